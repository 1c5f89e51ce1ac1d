import type { ReceivedHead, Sent } from "../../calling/sent.ts";
import { MOST_BACKOFF_MS } from "../../platform/events/retry-policy.ts";
import { formatMs } from "../../platform/quantity.ts";
import { type CallTarget, isCommand } from "../../store/call.ts";
import type { LeasedCall } from "../../store/calls.ts";

export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "dead"; readonly reason: string; readonly error: string }
  | { readonly kind: "retry"; readonly error: string; readonly delayMs: number }
  /** Skiff could not run the call: this counts as no attempt. */
  | { readonly kind: "refused"; readonly error: string; readonly retryAfterMs: number };

type Judged = Pick<LeasedCall, "policy" | "target" | "origin" | "attemptOfRound" | "roundAt">;

export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** From 0 to below 1. */
  readonly random: number;
  /** Whether this program knows the function. Another one may learn of it later. */
  readonly isKnown: boolean;
}

/**
 * Statuses of problems that are not the call's fault if no instance has got it: the router is full or stops, a quota is used
 * up, or no instance was free within the timeout of the function.
 */
const REFUSALS = new Set([401, 403, 429, 503, 504]);
/** The same for problems with which Skiff answers itself: commands, and runs of flows. No command or run has begun. */
const OWN_REFUSALS = new Set([429, 503]);
/** Time in which a function or a flow that is not there may be deployed, or become known to all programs, in milliseconds. */
const MISSING_MS = 300_000;
/** Codes of problems of calls that an instance got, and did not answer. */
const NO_ANSWER = new Set(["instance_failed", "call_timeout", "draining"]);
const ERROR_CHARACTERS = 200;

/** Decides what follows an attempt. */
export function judge(call: Judged, sent: Sent, circumstances: Circumstances): Verdict {
  if ("forbidden" in sent) return { kind: "dead", reason: sent.forbidden, error: sent.forbidden };
  const isFunction = "function" in call.target;
  const isOfSkiff = isCommand(call.target) || "flow" in call.target;
  if ("postponed" in sent) return refused(call, { error: sent.postponed, retryAfterMs: 0 }, circumstances);
  if ("unreached" in sent) {
    if (isFunction || isOfSkiff)
      return refused(call, { error: sent.unreached, retryAfterMs: 0 }, circumstances);
    return failed(call, { outcomes: ["connection"], error: sent.unreached }, circumstances);
  }
  if ("broken" in sent) return failed(call, { outcomes: ["connection"], error: sent.broken }, circumstances);
  const { status, code, isUnforwarded = false, retryAfterMs = 0 } = sent.response;
  const error = errorOf(sent.response);
  if (isFunction && isUnforwarded) {
    if (status === 404 && code === "unknown_function") return missing(call, error, circumstances);
    if (REFUSALS.has(status)) return refused(call, { error, retryAfterMs }, circumstances);
  }
  if (isOfSkiff && code === "unknown_flow") return missing(call, error, circumstances);
  if (isOfSkiff && code !== undefined && OWN_REFUSALS.has(status))
    return refused(call, { error, retryAfterMs }, circumstances);
  if (status >= 200 && status < (isFunction ? 400 : 300)) return { kind: "done" };
  const isNoAnswer = code !== undefined && NO_ANSWER.has(code);
  const outcomes = [String(status), `${Math.floor(status / 100)}xx`, ...(isNoAnswer ? ["connection"] : [])];
  return failed(call, { outcomes, error, retryAfterMs }, circumstances);
}

/** Returns why no attempt may start any more; undefined if one may. */
export function lateness(
  { policy, attemptOfRound, roundAt, acceptedAt, origin }: Omit<LeasedCall, "target">,
  now: number,
): string | undefined {
  const { attempts, maxAgeMs } = policy;
  if (attemptOfRound > attempts) {
    if (attempts === 1) return "The only attempt broke off with its worker.";
    return `All ${attempts} attempts are used up; the last one broke off with its worker.`;
  }
  const isDelivery = origin.kind === "subscription";
  // A delivery may have waited for a subscription that was paused: its next attempt decides.
  if (isDelivery && origin.waiter === undefined) return undefined;
  if (now - (isDelivery ? acceptedAt : roundAt) < maxAgeMs) return undefined;
  return `No attempt starts after ${formatMs(maxAgeMs)} (max-age).`;
}

/** A delivery waits for its function or flow like an event does, unless somebody waits for the reply. */
function missing(call: Judged, error: string, circumstances: Circumstances): Verdict {
  const { origin, target, roundAt } = call;
  const isYoung =
    origin.kind === "subscription" ? origin.waiter === undefined : circumstances.now - roundAt < MISSING_MS;
  if (isYoung || circumstances.isKnown) return refused(call, { error, retryAfterMs: 0 }, circumstances);
  const what = "flow" in target ? `flow "${target.flow}"` : `function "${functionOf(target)}"`;
  const time = origin.kind === "subscription" ? "" : ` within ${formatMs(MISSING_MS)}`;
  const reason = `There was no ${what}${time}: deploy it, and retry the call.`;
  return { kind: "dead", reason, error: reason };
}

function functionOf(target: CallTarget): string {
  return "function" in target ? target.function : "";
}

interface Failure {
  /** Names of it in the policy. */
  readonly outcomes: readonly string[];
  readonly error: string;
  readonly retryAfterMs?: number;
}

function failed(call: Judged, { outcomes, error, retryAfterMs = 0 }: Failure, at: Circumstances): Verdict {
  const { attempts, on, maxAgeMs } = call.policy;
  if (!outcomes.some((outcome) => on.includes(outcome))) return { kind: "dead", reason: error, error };
  if (call.attemptOfRound >= attempts) {
    const reason = attempts === 1 ? error : `All ${attempts} attempts failed. The last one: ${error}`;
    return { kind: "dead", reason, error };
  }
  const delayMs = Math.max(backoffMs(call, at.random), Math.min(retryAfterMs, MOST_BACKOFF_MS));
  if (at.now + delayMs - call.roundAt < maxAgeMs) return { kind: "retry", error, delayMs };
  const reason = `No attempt starts after ${formatMs(maxAgeMs)} (max-age). The last one: ${error}`;
  return { kind: "dead", reason, error };
}

/** Full jitter: any time up to a bound that doubles with each attempt. */
function backoffMs({ policy, attemptOfRound }: Judged, random: number): number {
  return Math.round(random * Math.min(policy.backoffMs * 2 ** (attemptOfRound - 1), MOST_BACKOFF_MS));
}

function refused(
  { policy, roundAt }: Judged,
  refusal: { readonly error: string; readonly retryAfterMs: number },
  { now }: Circumstances,
): Verdict {
  if (now - roundAt < policy.maxAgeMs) return { kind: "refused", ...refusal };
  const { error } = refusal;
  const reason = `No attempt could start within ${formatMs(policy.maxAgeMs)} (max-age). The last refusal: ${error}`;
  return { kind: "dead", reason, error };
}

function errorOf({ status, code, text }: ReceivedHead): string {
  const shown = text.trim().slice(0, ERROR_CHARACTERS);
  if (code !== undefined) return shown === "" ? `Skiff answered ${status} ${code}.` : shown;
  return shown === "" ? `The answer was ${status}.` : `The answer was ${status}: ${shown}`;
}
