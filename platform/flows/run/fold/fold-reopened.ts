import type { Entry } from "../entry.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import { isSettled, NEW_UNIT, type RunData, type StepData, setUnit, sizeOf } from "./state.ts";

/** Makes an ended run live again. Numbers of attempts go on; outputs of what does not run again stay. */
export function reopen(state: RunData, entry: Extract<Entry, { kind: "reopened" }>, plan: Plan): void {
  const { at, from, item, functions } = entry;
  if (functions !== undefined) state.begun = { ...state.begun, functions };
  delete state.ended;
  delete state.stopping;
  state.since = at;
  const again = new Set(from === undefined ? [] : followersOf(from, plan));
  const isOfFinally = from !== undefined && plan.steps.get(from)!.isFinally;
  state.isFinally = false;
  for (const planned of plan.steps.values()) {
    const step = state.steps[planned.name]!;
    const isAgain = again.has(planned.name) || (planned.isFinally && !isOfFinally);
    if (planned.name === from && item !== undefined) reopenFrom(step, planned, item);
    else if (planned.name === from || isAgain) restart(step);
    else if (!isSettled(step) || step.state === "failed" || step.state === "cancelled") goOn(step);
  }
}

function followersOf(from: string, plan: Plan): ReadonlySet<string> {
  const found = new Set<string>();
  const next = [from];
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    for (const follower of plan.steps.get(name)!.after) {
      if (found.has(follower)) continue;
      found.add(follower);
      next.push(follower);
    }
  }
  return found;
}

/** From the beginning, with the numbers of attempts that it had. */
function restart(step: StepData): void {
  for (const index of step.units.keys()) reset(step, index);
  step.state = "pending";
  clear(step);
  delete step.items;
}

/** With what is not done; a step that never began is as it was. */
function goOn(step: StepData): void {
  const hasBegun = step.items !== undefined || step.done > 0;
  for (const [index, unit] of step.units.entries()) {
    if (unit.state !== "done") reset(step, index);
  }
  step.state = hasBegun ? "active" : "pending";
  clear(step);
}

/** An item alone; an iteration and those after it, if the one before is still known. */
function reopenFrom(step: StepData, { step: { each } }: PlannedStep, item: number): void {
  const isKnown =
    item < step.units.length && (step.items !== undefined || item === 0 || hasOutput(step, item - 1));
  if (!isKnown) {
    restart(step);
    return;
  }
  for (const [index, unit] of step.units.entries()) {
    const isAgain = each === undefined ? index >= item : index === item;
    if (isAgain || unit.state !== "done") reset(step, index);
  }
  step.state = step.items !== undefined || step.done > 0 ? "active" : "pending";
  clear(step);
}

function hasOutput(step: StepData, index: number): boolean {
  return step.units[index]?.output !== undefined;
}

function reset(step: StepData, index: number): void {
  const { attempt, output } = step.units[index]!;
  if (output !== undefined && step.items !== undefined) step.bytes -= sizeOf(output);
  setUnit(step, index, { ...NEW_UNIT, attempt });
}

function clear(step: StepData): void {
  delete step.output;
  delete step.error;
  delete step.then;
  delete step.why;
}
