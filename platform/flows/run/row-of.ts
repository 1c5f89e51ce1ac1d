import { cancelledStatus } from "./cancellation.ts";
import type { LiveRun } from "./live-run.ts";
import type { RunRow } from "./row.ts";
import { nextDue } from "./rules/due.ts";
import type { Ref } from "./under-way.ts";

/** Characters of an error in a status. */
const MOST_TEXT = 300;

export function rowOf(run: LiveRun): RunRow {
  const { ended } = run.state;
  if (ended !== undefined) {
    const why = ended.state === "failed" ? { step: ended.step, error: ended.error } : {};
    const status = ended.state === "cancelled" ? { status: cancelledStatus(ended) } : {};
    return { state: ended.state, ...status, ...why, endedAt: ended.at };
  }
  // A decision that was full is followed by another one.
  const goesOn = run.isSpent || run.underWay.dirty.size > 0;
  const wakeAt = goesOn && run.missing.size === 0 ? run.now : nextDue(run);
  const row = whatFor(run);
  return wakeAt === undefined ? row : { ...row, wakeAt };
}

function whatFor(run: LiveRun): RunRow {
  const { paused, stopping } = run.state;
  const { running, retrying, waiting } = run.underWay;
  const error = stopping?.state === "failed" ? { error: stopping.error } : {};
  const [first] = [...head(running), ...head(retrying), ...head(waiting)];
  const step = first === undefined ? {} : { step: first.step };
  if (paused !== undefined) return { state: "paused", status: `Paused by ${paused}.`, ...step, ...error };
  if (first === undefined || running.size > run.refused.size) return { state: "running", ...step, ...error };
  const [refused] = run.refused.values();
  if (refused !== undefined) {
    const { code, at, of } = refused;
    const { action } = run.planned(of.step).step;
    const what = action.kind === "flow" ? `begin a run of flow \`${action.flow}\`` : "make the call";
    const status = `Step \`${of.step}\`: Skiff cannot ${what} (${code}) and tries again at ${timeOf(at)}.`;
    return { state: "retrying", status, step: of.step, ...error };
  }
  if (retrying.size > 0) return { state: "retrying", status: retryOf(run, first), ...step, ...error };
  return { state: "waiting", status: waitOf(run, first), ...step, ...error };
}

function* head(map: ReadonlyMap<string, Ref>): Iterable<Ref> {
  for (const ref of map.values()) {
    yield ref;
    return;
  }
}

function retryOf(run: LiveRun, ref: Ref): string {
  const { retryAt, error, attempt } = run.unit(ref)!;
  return `Attempt ${attempt + 1} of step ${nameOf(ref)} follows at ${timeOf(retryAt!)}. ${shortened(error!.message)}`;
}

function waitOf(run: LiveRun, ref: Ref): string {
  const { until, for: waitsFor } = run.unit(ref)!;
  const most = `until ${timeOf(until!)}`;
  switch (waitsFor!.kind) {
    case "time":
      return `Step ${nameOf(ref)} waits ${most}.`;
    case "event":
      return `Step ${nameOf(ref)} waits for an event of topic \`${waitsFor!.topic}\`, ${most}.`;
    case "approval":
      return `Step ${nameOf(ref)} waits for approval, ${most}: ${waitsFor!.message.slice(0, MOST_TEXT)}`;
    case "flow":
      return `Step ${nameOf(ref)} waits for run ${waitsFor!.run} of flow \`${waitsFor!.flow}\`, ${most}.`;
  }
}

function nameOf({ step, item }: Ref): string {
  return item === undefined ? `\`${step}\`` : `\`${step}\`, item ${item},`;
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}

function shortened(message: string): string {
  return message.length > MOST_TEXT ? `${message.slice(0, MOST_TEXT)}…` : message;
}
