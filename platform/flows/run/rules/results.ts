import type { AttemptOf } from "../entry.ts";
import type { LiveRun, Told } from "../live-run.ts";
import type { AttemptResult } from "../machine.ts";
import { keyOf, type Ref, refOf } from "../under-way.ts";
import { complete } from "./complete.ts";
import { failAttempt } from "./fail.ts";
import { policyOf, retryAt } from "./retry.ts";

/** The first wait before an attempt that could not be made is made again, and the longest, in milliseconds. */
const REFUSED_MS = 100;
const MOST_REFUSED_MS = 5_000;

/** The attempt of a call has ended. Late and repeated results change nothing. Throws `Unloaded`. */
export function endAttempt(run: LiveRun, { of, result }: Extract<Told, { result: unknown }>): void {
  if (!isRunning(run, of)) return;
  const unit = run.unit(of)!;
  if ("refused" in result) {
    refuse(run, of, result);
    return;
  }
  const key = keyOf(of.step, of.item);
  run.refused.delete(key);
  run.refusals.delete(key);
  if ("output" in result) {
    complete(run, of, result);
  } else {
    const { error, callId, isFinal, retryAfterMs } = result;
    const planned = run.planned(of.step);
    const isOver = isFinal === true || !mayRetry(run, of);
    const at = isOver ? undefined : retryAt(run, planned, { unit, error, retryAfterMs });
    if (at === undefined) failAttempt(run, of, { error, callId });
    else {
      const failed = {
        kind: "failed",
        ...refOf(of.step, of.item),
        attempt: of.attempt,
        error,
        retryAt: at,
      } as const;
      run.record(callId === undefined ? failed : { ...failed, callId });
    }
  }
}

export function isRunning(run: LiveRun, of: AttemptOf): boolean {
  const planned = run.plan.steps.get(of.step);
  if (planned === undefined || planned.isLoop !== (of.item !== undefined)) return false;
  const unit = run.unit(of);
  return unit?.state === "running" && unit.attempt === of.attempt;
}

/** The run stops, or another item of its step failed. */
function mayRetry(run: LiveRun, { step }: Ref): boolean {
  if (run.data(step).state !== "active") return false;
  return run.state.stopping === undefined || run.planned(step).isFinally;
}

/** The same attempt is made again, until it is too old. */
function refuse(
  run: LiveRun,
  of: AttemptOf,
  { refused, retryAfterMs }: Extract<AttemptResult, { refused: string }>,
): void {
  const key = keyOf(of.step, of.item);
  const times = (run.refusals.get(key) ?? 0) + 1;
  run.refused.delete(key);
  run.refusals.set(key, times);
  const at = run.now + Math.max(retryAfterMs, Math.min(REFUSED_MS * 2 ** (times - 1), MOST_REFUSED_MS));
  const { maxAgeMs } = policyOf(run, run.planned(of.step));
  const isOld = at - run.unit(of)!.since >= maxAgeMs;
  if (!isOld && mayRetry(run, of)) {
    run.refused.set(key, {
      of: { ...refOf(of.step, of.item), attempt: of.attempt },
      at,
      code: refused,
    });
    run.underWay.timers.add({ ...refOf(of.step, of.item), at, kind: "refused" });
    return;
  }
  const why = isOld
    ? `for ${Math.round(maxAgeMs / 1000)} s, which is its longest age`
    : "before the run failed";
  failAttempt(run, of, { error: { type: refused, message: `Skiff could not make the call ${why}.` } });
}
