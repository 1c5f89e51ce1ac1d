import type { AttemptOf } from "../entry.ts";
import type { LiveRun, Told } from "../live-run.ts";
import { keyOf, refOf } from "../under-way.ts";
import { complete } from "./complete.ts";
import { failAttempt } from "./fail.ts";
import { mayRetry, putOff } from "./refused.ts";
import { retryAt } from "./retry.ts";

/** The attempt of a call has ended. Late and repeated results change nothing. Throws `Unloaded`. */
export function endAttempt(run: LiveRun, { of, result }: Extract<Told, { result: unknown }>): void {
  if (!isRunning(run, of)) return;
  const unit = run.unit(of)!;
  if ("refused" in result) {
    putOff(run, of, { code: result.refused, retryAfterMs: result.retryAfterMs });
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
