/** What an instance did with the processor since it was looked at before. */
export interface ProcessorUse {
  readonly forMs: number;
  /** Processor time of all its threads. */
  readonly usedMs: number;
  /** Time in which its busiest thread ran or waited for a processor; undefined where the system does not say. */
  readonly wantedMs: number | undefined;
}

/** A thread that wants more of the time than this never rests: it is no call that has much to do now and then. */
const SPINS_SHARE = 0.8;
/** And one that wants less than this does. */
const RESTS_SHARE = 0.5;

/**
 * True if an instance is to have a small share of the processor. One that is one already stays so until it
 * rests, so that it does not change with every look.
 */
export function yields(isYielding: boolean, { forMs, usedMs, wantedMs }: ProcessorUse): boolean {
  const share = Math.max(usedMs, wantedMs ?? 0) / forMs;
  return share >= (isYielding ? RESTS_SHARE : SPINS_SHARE);
}
