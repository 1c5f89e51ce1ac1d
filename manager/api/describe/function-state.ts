import type { FunctionDescription } from "../../../platform/platform.ts";

export interface FunctionState {
  readonly canCall: boolean;
  readonly reason: string;
}

type Described = Pick<FunctionDescription, "name" | "ready" | "traffic" | "notReady" | "settings">;

/**
 * Answers whether a caller can call the function now, and why.
 * @param usedInMonth calls of this month (UTC); undefined if they are not known
 */
export function stateOf(described: Described, usedInMonth: number | undefined, now: Date): FunctionState {
  const { name, ready, traffic, notReady, settings } = described;
  const { access, quota } = settings;
  const no = (reason: string) => ({ canCall: false, reason });
  if (traffic.length === 0)
    return no(`No version takes calls: give one traffic, or call /fn/${name}@VERSION.`);
  if (access === "internal") return no("Access is internal: no call from outside reaches it.");
  const { perMonth } = quota;
  if (perMonth !== undefined && usedInMonth !== undefined && usedInMonth >= perMonth) {
    const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)).toISOString();
    return no(`The quota of ${perMonth} calls a month is used up until ${next}.`);
  }
  if (notReady !== undefined) return no(notReady);
  const who = access === "key" ? " Calls need a key with the scope call." : "";
  if (ready > 0) return { canCall: true, reason: `${instances(ready)} ready.${who}` };
  return { canCall: true, reason: `No instance runs: the next call starts one.${who}` };
}

function instances(count: number): string {
  return count === 1 ? "1 instance is" : `${count} instances are`;
}
