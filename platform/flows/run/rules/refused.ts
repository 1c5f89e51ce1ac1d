import type { AttemptOf } from "../entry.ts";
import type { LiveRun } from "../live-run.ts";
import { keyOf, type Ref, refOf } from "../under-way.ts";
import { failAttempt } from "./fail.ts";
import { policyOf } from "./retry.ts";

/** The first wait before an attempt that could not be made is made again, and the longest, in milliseconds. */
const REFUSED_MS = 100;
const MOST_REFUSED_MS = 5_000;
/** The longest wait of a run of a flow: each try is two entries. */
const MOST_REFUSED_RUN_MS = 30_000;
const DAY_MS = 86_400_000;

/** Until when an attempt that cannot be made is tried. That of another flow waits for its end no longer either. */
export function deadlineOf(run: LiveRun, of: AttemptOf): number {
  const planned = run.planned(of.step);
  const { action, timeoutMs = DAY_MS } = planned.step;
  return run.unit(of)!.since + (action.kind === "flow" ? timeoutMs : policyOf(run, planned).maxAgeMs);
}

/** The run stops, or another item of its step failed. */
export function mayRetry(run: LiveRun, { step }: Ref): boolean {
  if (run.data(step).state !== "active") return false;
  return run.state.stopping === undefined || run.planned(step).isFinally;
}

/** The same attempt, which is running, is made again until it is too old. */
export function putOff(
  run: LiveRun,
  of: AttemptOf,
  { code, retryAfterMs }: { readonly code: string; readonly retryAfterMs: number },
): void {
  const key = keyOf(of.step, of.item);
  const isRun = run.planned(of.step).step.action.kind === "flow";
  const times = (run.refusals.get(key) ?? 0) + 1;
  run.refused.delete(key);
  run.refusals.set(key, times);
  const most = isRun ? MOST_REFUSED_RUN_MS : MOST_REFUSED_MS;
  const next = run.now + Math.max(retryAfterMs, Math.min(REFUSED_MS * 2 ** (times - 1), most));
  const deadline = deadlineOf(run, of);
  // A run is tried once more at its deadline, which its step names.
  const at = isRun && run.now < deadline ? Math.min(next, deadline) : next;
  const isOld = isRun ? run.now >= deadline : at >= deadline;
  if (!isOld && mayRetry(run, of)) {
    run.refused.set(key, { of: { ...refOf(of.step, of.item), attempt: of.attempt }, at, code });
    run.underWay.timers.add({ ...refOf(of.step, of.item), at, kind: "refused" });
    return;
  }
  giveUp(run, of, code);
}

/** Fails an attempt that was put off until its deadline. Returns whether it did. */
export function endPutOff(run: LiveRun, of: AttemptOf): boolean {
  const key = keyOf(of.step, of.item);
  const refused = run.refused.get(key);
  if (refused === undefined || run.now < deadlineOf(run, of)) return false;
  run.refused.delete(key);
  giveUp(run, of, refused.code);
  return true;
}

function giveUp(run: LiveRun, of: AttemptOf, code: string): void {
  const { action } = run.planned(of.step).step;
  const deadline = deadlineOf(run, of);
  const seconds = Math.round((deadline - run.unit(of)!.since) / 1000);
  run.refusals.delete(keyOf(of.step, of.item));
  const message =
    action.kind === "flow"
      ? `Skiff could not begin a run of flow \`${action.flow}\` for ${seconds} s: too many of its runs have not ended (SKIFF_MAX_RUNS).`
      : `Skiff could not make the call ${mayRetry(run, of) ? `for ${seconds} s, which is its longest age` : "before the run failed"}.`;
  failAttempt(run, of, { error: { type: code, message } });
}
