import { cancellation } from "../cancellation.ts";
import type { AttemptOf, Entry } from "../entry.ts";
import { reopen } from "./fold-reopened.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import {
  isBusy,
  NEW_UNIT,
  type RunData,
  type StepData,
  type Stopping,
  setUnit,
  sizeOf,
  type Unit,
} from "./state.ts";

type EntryOf<Kind extends Entry["kind"]> = Extract<Entry, { kind: Kind }>;

/** Adds an entry to the state. It trusts entries: rules alone make them, and none but what applies. */
export function apply(state: RunData, entry: Exclude<Entry, { kind: "begun" }>, plan: Plan): void {
  state.sequence++;
  if ("step" in entry && entry.kind !== "ended" && entry.kind !== "runFailed") {
    state.last = entry.step;
    if (plan.steps.get(entry.step)?.isFinally === true) state.isFinally = true;
  }
  switch (entry.kind) {
    case "listed":
      list(state.steps[entry.step]!, entry.items);
      return;
    case "started":
      start(state, entry);
      return;
    case "waiting":
      wait(state, entry);
      return;
    case "done":
      done(state, entry, plan);
      return;
    case "failed":
      fail(state, entry, plan);
      return;
    case "settled":
      Object.assign(state.steps[entry.step]!, { state: "done", output: entry.output });
      return;
    case "caught":
      cancelUnits(state.steps[entry.step]!, isBusy);
      Object.assign(state.steps[entry.step]!, { state: "caught", error: entry.error, then: entry.then });
      return;
    case "skipped":
      Object.assign(state.steps[entry.step]!, { state: "skipped", why: entry.why });
      return;
    case "stepFailed":
      failStep(state, entry, plan);
      return;
    case "paused":
      state.paused = entry.by;
      return;
    case "resumed":
      delete state.paused;
      return;
    case "cancelling":
      halt(state, { state: "cancelled", ...cancellation(entry) }, plan);
      return;
    case "runFailed":
      halt(state, { state: "failed", step: entry.step, error: entry.error }, plan);
      return;
    case "reopened":
      reopen(state, entry, plan);
      return;
    case "ended":
      delete state.paused;
      state.ended = entry;
  }
}

function list(step: StepData, items: number): void {
  step.state = "active";
  step.items = items;
  step.units.length = Math.min(step.units.length, items);
}

function start(state: RunData, { at, step: name, item, attempt }: EntryOf<"started">): void {
  const step = state.steps[name]!;
  const before = step.units[item ?? 0] ?? NEW_UNIT;
  step.state = "active";
  setUnit(step, item ?? 0, {
    state: "running",
    attempt,
    // The same one again could not be made before.
    tries: before.attempt === attempt ? before.tries : before.tries + 1,
    since: before.tries === 0 ? at : before.since,
  });
}

function wait(state: RunData, { step: name, item, until, for: waitsFor }: EntryOf<"waiting">): void {
  const step = state.steps[name]!;
  setUnit(step, item ?? 0, { ...bare(step.units[item ?? 0]!), state: "waiting", until, for: waitsFor });
}

function done(state: RunData, entry: EntryOf<"done">, plan: Plan): void {
  const { step: name, item, output } = entry;
  const step = state.steps[name]!;
  setUnit(step, item ?? 0, { ...ended(step.units[item ?? 0]!, entry), state: "done", output });
  hasOutput(state, entry, plan);
}

function fail(state: RunData, entry: EntryOf<"failed">, plan: Plan): void {
  const { step: name, item, error, output, retryAt } = entry;
  const step = state.steps[name]!;
  const unit = { ...ended(step.units[item ?? 0]!, entry), error };
  if (output !== undefined) {
    setUnit(step, item ?? 0, { ...unit, state: "done", output });
    hasOutput(state, entry, plan);
  } else if (retryAt !== undefined) {
    setUnit(step, item ?? 0, { ...unit, state: "retrying", retryAt });
  } else {
    setUnit(step, item ?? 0, { ...unit, state: "failed" });
    rest(state, plan.steps.get(name)!);
  }
}

/** A unit without what its state brings along. */
function bare({ attempt, tries, since }: Unit): Omit<Unit, "state"> {
  return { attempt, tries, since };
}

/** A unit whose attempt is over. */
function ended(unit: Unit, { position }: EntryOf<"done" | "failed">): Omit<Unit, "state"> {
  const isEvent = position !== undefined && unit.for?.kind === "event";
  return isEvent ? { ...bare(unit), took: { position, equals: unit.for.equals } } : bare(unit);
}

function hasOutput(state: RunData, { step: name, item }: AttemptOf, plan: Plan): void {
  const planned = plan.steps.get(name)!;
  const step = state.steps[name]!;
  const output = step.units[item ?? 0]!.output!;
  if (!planned.isLoop) {
    Object.assign(step, { state: "done", output });
    return;
  }
  if (planned.step.each !== undefined) {
    step.bytes += sizeOf(output);
  } else if (item! >= 2) {
    // Only the last two iterations are read again: `last` of the next one, and of one that is repeated.
    const { output: _, ...older } = step.units[item! - 2]!;
    step.units[item! - 2] = older;
  }
  rest(state, planned);
}

/** In a run that stops, a step whose last call has ended is over, unless all its items are done. */
function rest(state: RunData, { name, isFinally }: PlannedStep): void {
  const step = state.steps[name]!;
  if (state.stopping === undefined || isFinally || step.state !== "active") return;
  if (step.busy === 0 && step.done !== step.items) step.state = "cancelled";
}

function failStep(state: RunData, { step: name, error }: EntryOf<"stepFailed">, plan: Plan): void {
  const step = state.steps[name]!;
  step.state = "failed";
  step.error = error;
  cancelUnits(step, isWaiting);
  const isFirst = state.stopping === undefined;
  state.stopping ??= { state: "failed", step: name, error };
  if (!isFirst || state.isFinally) return;
  for (const planned of plan.steps.values()) {
    if (planned.isFinally) continue;
    cancelUnits(state.steps[planned.name]!, isWaiting);
    rest(state, planned);
  }
}

/** Ends all that is under way; in `finally` its steps. */
function halt(state: RunData, stopping: Stopping, plan: Plan): void {
  delete state.paused;
  state.stopping ??= stopping;
  for (const { name, isFinally } of plan.steps.values()) {
    if (isFinally !== state.isFinally) continue;
    const step = state.steps[name]!;
    cancelUnits(step, isBusy);
    if (step.state === "active" || (isFinally && step.state === "pending")) step.state = "cancelled";
  }
}

function isWaiting({ state }: Unit): boolean {
  return state === "waiting" || state === "retrying";
}

function cancelUnits(step: StepData, isOver: (unit: Unit) => boolean): void {
  if (step.busy === 0) return;
  for (const [index, unit] of step.units.entries()) {
    if (isOver(unit)) setUnit(step, index, { ...bare(unit), state: "cancelled" });
  }
}
