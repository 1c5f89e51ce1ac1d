/**
 * The exchange between the routers and the collector of usage, several times a second. Plain values: they cross
 * processes and hosts.
 */

/** One batch of counts by a router. Times are milliseconds since 1970. */
export interface CountedBatch {
  /** From 1, one more for each batch of the source. */
  readonly sequence: number;
  /** When the batch ends. It begins where the one before ends. */
  readonly atMs: number;
  readonly counts: readonly Counted[];
  /** Calls that failed, oldest first. */
  readonly failures: readonly FailedCall[];
  /** Failed calls that are not in `failures`, because there were too many. */
  readonly failuresLost: number;
}

/** The calls of one version that ended in the time of a batch. */
export interface Counted {
  readonly function: string;
  readonly version: number;
  readonly calls: number;
  readonly errors: number;
  /** Calls per bucket of USAGE_BUCKETS. */
  readonly durations: readonly number[];
  /** Sums by the id of the key; empty for calls without one. */
  readonly keys: Readonly<Record<string, CountedUse>>;
}

export interface CountedUse {
  calls: number;
  errors: number;
  gbSeconds: number;
  bytesOut: number;
}

/** A call that ended with 5xx, or that the function or Skiff broke off. */
export interface FailedCall {
  readonly atMs: number;
  readonly callId: string;
  readonly function: string;
  readonly version: number;
  /** Empty if no instance had the call. */
  readonly instance: string;
  readonly status: number;
  /** Such as `GET /x 500 in 12 ms`. */
  readonly text: string;
}

/** The answer of one router. */
export interface RouterReport {
  /** Names the process, since its start. */
  readonly source: string;
  /** Batches that the collector has not seen, in order. */
  readonly batches: readonly CountedBatch[];
}

/** The request to one router. */
export interface RouterOrder {
  /** The last batch that the collector has; the router sends those after it. */
  readonly seen: number;
  /** The last batch that is stored; the router keeps those after it for another collector. */
  readonly stored: number;
}

/** By source. A router that is not in it got no order yet. */
export type RouterOrders = Readonly<Record<string, RouterOrder>>;
