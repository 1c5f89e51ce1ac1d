/** An instance without a call that could be stopped to make room. */
export interface IdleInstance {
  readonly usedMiB: number;
  /** Time since its function had a call. */
  readonly idleForMs: number;
  /** Its function would have fewer than `min` without it. */
  readonly isKept: boolean;
}

/**
 * The instances to stop so that `shortMiB` become free, those that have been idle longest first and those that `min`
 * keeps last. All of them together may be too few.
 */
export function toEvict<I extends IdleInstance>(shortMiB: number, idle: Iterable<I>): I[] {
  const order = [...idle].sort(
    (a, b) => Number(a.isKept) - Number(b.isKept) || b.idleForMs - a.idleForMs || b.usedMiB - a.usedMiB,
  );
  const evicted: I[] = [];
  let freedMiB = 0;
  for (const instance of order) {
    if (freedMiB >= shortMiB) break;
    evicted.push(instance);
    freedMiB += instance.usedMiB;
  }
  return evicted;
}
