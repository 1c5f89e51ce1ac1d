import { MOST_BACKOFF_MS, type RetryPolicy, retryPolicy } from "../../../events/retry-policy.ts";
import type { StepError } from "../error.ts";
import type { PlannedStep } from "../fold/plan.ts";
import type { Unit } from "../fold/state.ts";
import type { LiveRun } from "../live-run.ts";

/** Only calls are retried. */
export function policyOf(run: LiveRun, { step }: PlannedStep): RetryPolicy {
  const { action, retry } = step;
  return retryPolicy(retry, action.kind === "fn" ? run.options.retryOf(action.function) : undefined);
}

/** When another attempt follows a failed one; undefined: none does. */
export function retryAt(
  run: LiveRun,
  planned: PlannedStep,
  { unit, error, retryAfterMs = 0 }: { unit: Unit; error: StepError; retryAfterMs?: number | undefined },
): number | undefined {
  const { attempts, backoffMs, maxAgeMs, on } = policyOf(run, planned);
  if (unit.tries >= attempts || !isRetried(error, on)) return undefined;
  const most = Math.min(backoffMs * 2 ** (unit.tries - 1), MOST_BACKOFF_MS);
  const at = run.now + Math.max(retryAfterMs, Math.ceil(run.options.random() * most));
  return at - unit.since < maxAgeMs ? at : undefined;
}

/** A missing answer is a broken connection, as for asynchronous calls. */
function isRetried({ type, status }: StepError, on: readonly string[]): boolean {
  if (status !== undefined)
    return on.includes(String(status)) || on.includes(`${Math.floor(status / 100)}xx`);
  if (type === "server_error") return on.includes("5xx");
  return (type === "connection" || type === "timeout") && on.includes("connection");
}
