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
