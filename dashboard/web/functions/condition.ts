import { isFailing } from "../function/described.ts";
import type { ActiveFunction } from "./activity.ts";

export type Condition = "failing" | "blocked" | "ready" | "idle" | "closed";

export interface Shown {
  readonly condition: Condition;
  readonly text: string;
  readonly tone: "ok" | "warn" | "bad" | "quiet";
  /** In words, for people. */
  readonly why: string;
}

/** What stands first needs somebody first. */
const ORDER: readonly Condition[] = ["failing", "blocked", "ready", "idle", "closed"];
/** Steps of the last hour that count as now: ten minutes. */
const RECENT_STEPS = 5;

const LOST = { canCall: false, reason: "Skiff does not find the code of its current version." };

/** Sums up how a function is. Only failures of versions with traffic and what keeps callers out by accident are bad. */
export function conditionOf({ state = LOST, ready, traffic, lastHour, series }: ActiveFunction): Shown {
  const { liveCalls = 0, liveErrors = 0 } = lastHour ?? {};
  const recent = series?.liveErrors?.slice(-RECENT_STEPS).reduce((sum, count) => sum + count, 0) ?? 0;
  if (!state.canCall) {
    if (state.reason.startsWith("Access is internal"))
      return { condition: "closed", text: "Internal", tone: "quiet", why: state.reason };
    const text = traffic?.length === 0 ? "No traffic" : /quota/i.test(state.reason) ? "Used up" : "Not ready";
    const tone = traffic?.length === 0 ? "warn" : "bad";
    return { condition: "blocked", text, tone, why: state.reason };
  }
  if (recent > 0 || isFailing(lastHour)) {
    const why = `${liveErrors} of ${liveCalls} calls failed in the last hour. ${state.reason}`;
    return { condition: "failing", text: "Failing", tone: "bad", why };
  }
  if (ready > 0) return { condition: "ready", text: "Ready", tone: "ok", why: state.reason };
  return { condition: "idle", text: "Idle", tone: "quiet", why: state.reason };
}

/** Failing functions first, then those that cannot be called, then all others by name. */
export function inOrder(functions: readonly ActiveFunction[]): readonly ActiveFunction[] {
  const rank = (each: ActiveFunction) => Math.min(2, ORDER.indexOf(conditionOf(each).condition));
  return functions.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}
