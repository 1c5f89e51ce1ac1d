import type { Entry } from "./entry.ts";
import type { RunRow } from "./row.ts";

/** Characters of a status. */
const MOST_TEXT = 300;

/** Who cancelled a run, and why. */
export interface Cancellation {
  readonly by: string;
  readonly reason?: string | undefined;
}

/** Without a member for a reason that nobody gave. */
export function cancellation({ by, reason }: Cancellation) {
  return reason === undefined ? { by } : { by, reason };
}

/** The end of a sentence: `ann: wrong order`, or `ann.` */
export function whoCancelled({ by, reason }: Cancellation): string {
  return reason === undefined ? `${by}.` : `${by}: ${reason}`;
}

/** The status of a run that was cancelled. */
export function cancelledStatus(why: Cancellation): string {
  const text = `Cancelled by ${whoCancelled(why)}`;
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

/** What follows when a run is cancelled in which nothing has begun, nor shall: not even `finally`. */
export function unbegunEnd(why: Cancellation, at: number) {
  const end = { kind: "ended", at, state: "cancelled", ...cancellation(why) } as const;
  const entries: readonly Entry[] = [{ kind: "cancelling", at, ...cancellation(why) }, end];
  const row: RunRow = { state: "cancelled", status: cancelledStatus(why), endedAt: at };
  return { end, entries, row };
}
