import { cancellation, whoCancelled } from "../cancellation.ts";
import type { AttemptOf } from "../entry.ts";
import type { Unit } from "../fold/state.ts";
import type { LiveRun } from "../live-run.ts";
import type { Signal } from "../signal.ts";
import { type Ref, refOf } from "../under-way.ts";
import { complete } from "./complete.ts";
import { failAttempt } from "./fail.ts";
import { halt } from "./halt.ts";
import { putOff } from "./refused.ts";

type SignalOf<Kind extends Signal["kind"]> = Extract<Signal, { kind: Kind }>;

/** Signals that do not apply, or not any more, change nothing. Throws `Unloaded`. */
export function takeSignal(run: LiveRun, signal: Signal): void {
  const { ended, paused, stopping } = run.state;
  if (signal.kind === "retry") {
    retry(run, signal);
    return;
  }
  if (ended !== undefined) return;
  switch (signal.kind) {
    case "cancel":
      cancel(run, signal);
      return;
    case "pause":
      // Who cancels wants an end, which a pause would keep from coming.
      if (paused === undefined && stopping?.state !== "cancelled") {
        run.record({ kind: "paused", by: signal.by });
      }
      return;
    case "resume":
      if (paused !== undefined) run.record({ kind: "resumed", by: signal.by });
      return;
    case "approval":
      decide(run, signal);
      return;
    case "event":
      takeEvent(run, signal);
      return;
    case "refused":
      takeRefusal(run, signal);
      return;
    case "flow":
      takeEnd(run, signal);
      return;
  }
}

/** A second one, during `finally`, ends that too. */
function cancel(run: LiveRun, signal: SignalOf<"cancel">): void {
  const { stopping, isFinally, paused } = run.state;
  if (stopping?.state === "cancelled" && !isFinally && paused === undefined) return;
  halt(run, { kind: "cancelling", ...cancellation(signal) });
}

function retry(run: LiveRun, { by, from, item, functions }: SignalOf<"retry">): void {
  const { ended } = run.state;
  if (ended === undefined) return;
  const versions = functions === undefined ? {} : { functions };
  if (from === undefined) {
    if (ended.state !== "done") run.record({ kind: "reopened", by, ...versions });
    return;
  }
  const planned = run.plan.steps.get(from);
  if (planned === undefined) return;
  const isItem = item !== undefined && planned.isLoop && item < run.data(from).units.length;
  run.record({ kind: "reopened", by, from, ...(isItem ? { item } : {}), ...versions });
}

function decide(run: LiveRun, signal: SignalOf<"approval">): void {
  const { by, comment = null, data = null } = signal;
  const found = waiting(run, signal, "approval");
  if (found === undefined) return;
  if (signal.approved) {
    complete(run, found.of, {
      output: { json: { approved: true, by, at: new Date(run.now).toISOString(), comment, data } },
    });
    return;
  }
  const message = comment === null ? `${by} refused.` : `${by} refused: ${comment}`;
  failAttempt(run, found.of, { error: { type: "rejected", message } });
}

function takeEvent(run: LiveRun, signal: SignalOf<"event">): void {
  const found = waiting(run, signal, "event");
  const { position, event, topic } = signal;
  if (found?.unit.for?.kind !== "event" || found.unit.for.topic !== topic) return;
  // Another wait of the run was for the same, and was first.
  if (run.underWay.taken.of(found.unit.for).has(position)) return;
  complete(run, found.of, { output: { json: event.data ?? null }, position });
  run.draft.waitsOver.push(refOf(signal.step, signal.item));
}

function takeEnd(run: LiveRun, signal: SignalOf<"flow">): void {
  const found = waiting(run, signal, "flow");
  if (found?.unit.for?.kind !== "flow" || found.unit.for.run !== signal.run) return;
  const { end } = signal;
  if (end.state === "done") {
    complete(run, found.of, { output: end.output });
    return;
  }
  const what = `Run ${signal.run} of flow \`${found.unit.for.flow}\``;
  if (end.state === "cancelled") {
    const message = `${what} was cancelled by ${whoCancelled(end)}`;
    failAttempt(run, found.of, { error: { type: "cancelled", message } });
    return;
  }
  const { step, error } = end;
  const { item: _, ...rest } = error;
  // A run that could not begin has no step.
  const where =
    step === "" ? `Flow \`${found.unit.for.flow}\` did not begin` : `${what} failed at step \`${step}\``;
  failAttempt(run, found.of, { error: { ...rest, message: `${where}: ${error.message}` } });
}

/** The entry says that the attempt is to be made again: the run that it waits for does not exist. */
function takeRefusal(run: LiveRun, signal: SignalOf<"refused">): void {
  const found = waiting(run, signal, "flow");
  if (found?.unit.for?.kind !== "flow" || found.unit.for.run !== signal.run) return;
  run.record({ kind: "started", ...found.of });
  putOff(run, found.of, { code: signal.code, retryAfterMs: 0 });
}

/** The unit that waits for such a thing, if it does. */
function waiting(run: LiveRun, { step, item }: Ref, kind: string): { unit: Unit; of: AttemptOf } | undefined {
  const planned = run.plan.steps.get(step);
  if (planned === undefined || planned.isLoop !== (item !== undefined)) return undefined;
  const unit = run.unit({ step, item });
  if (unit?.state !== "waiting" || unit.for?.kind !== kind) return undefined;
  return { unit, of: { ...refOf(step, item), attempt: unit.attempt } };
}
