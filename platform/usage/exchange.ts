import type { WakeStep } from "../platform.ts";
import type { Quota } from "../settings/quota.ts";

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
  /** Some of the calls that failed or waited for a start, oldest first. Absent: none, or an older router. */
  readonly traced?: readonly TracedCall[];
}

/** The calls of one version that ended in the time of a batch, and its starts and refusals. */
export interface Counted {
  readonly function: string;
  readonly version: number;
  readonly calls: number;
  readonly errors: number;
  /** Calls per bucket of USAGE_BUCKETS. */
  readonly durations: readonly number[];
  /** Starts that calls waited for; absent for none, as the next two. */
  readonly coldStarts?: number;
  /** Time that these starts spent in each step, in milliseconds. */
  readonly wakeMs?: WakeMs;
  /** Calls that Skiff refused before they had a version: access and quota. */
  readonly refused?: number;
  /** Sums by the id of the key; empty for calls without one. */
  readonly keys: Readonly<Record<string, CountedUse>>;
}

export interface CountedUse {
  calls: number;
  errors: number;
  gbSeconds: number;
  bytesOut: number;
}

export type WakeMs = Readonly<Partial<Record<WakeStep["name"], number>>>;

/** Where the time of a call went. */
export interface TracedCall {
  /** When it ended. */
  readonly atMs: number;
  readonly callId: string;
  readonly function: string;
  readonly version: number;
  /** Empty if no instance had the call. */
  readonly instance: string;
  readonly status: number;
  readonly durationMs: number;
  /** Until it had an instance. */
  readonly waitedMs: number;
  /** Steps of the start that it waited for, in their order; empty if it found an instance. */
  readonly wake: readonly { readonly name: WakeStep["name"]; readonly durationMs: number }[];
  /** The run of a flow, and the asynchronous call, that the request says it is part of. Anybody may say so. */
  readonly run?: string;
  readonly call?: string;
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
  /** By the name of the gate, such as `function hello` or `key k1a2b3`. Those without calls are absent. */
  readonly demands: Readonly<Record<string, Demand>>;
}

/** What callers wanted of a quota since the last report. */
export interface Demand {
  readonly quota: Quota;
  /** Calls, refused ones included. */
  readonly wanted: number;
  /** Calls that passed. */
  readonly passed: number;
  /** Calls refused because all places were taken. */
  readonly full: number;
  /** Calls refused because the rate was used up. */
  readonly late: number;
  /** Calls that may pass at once now, as far as the rate is concerned. */
  readonly tokens: number;
  /** Calls that passed and have not ended. */
  readonly inFlight: number;
}

/** What one router may use of a quota. */
export interface Allowance {
  /** Its part of the rate and the burst, from 0 to 1. */
  readonly share: number;
  /** Calls that may pass besides, because other routers left them unused. */
  readonly more?: number;
  /** Most calls at the same time; absent if the quota has no such limit. */
  readonly inFlight?: number;
  /** Calls in the rest of the month, counted from the last report; absent if the quota has no such limit. */
  readonly left?: number;
  /** Those at all routers together. */
  readonly allLeft?: number;
  /** The limit of the month that `left` was computed from. A gate with another one does not apply `left`. */
  readonly perMonth?: number;
}

/** The request to one router. */
export interface RouterOrder {
  /** The last batch that the collector has; the router sends those after it. */
  readonly seen: number;
  /** The last batch that is stored; the router keeps those after it for another collector. */
  readonly stored: number;
  /** Routers that share the quotas, at least 1. */
  readonly routers: number;
  /** By the name of the gate. A router that has none of them holds an equal share. */
  readonly allowances: Readonly<Record<string, Allowance>>;
  /**
   * Calls of this month in the batches that the collector has, by the name of a gate: for gates that begin to count.
   * In the first order to a router and in a new month; replaces what the router has.
   */
  readonly used?: Readonly<Record<string, number>>;
  /** The entries of `used` that changed since the last order. */
  readonly usedSince?: Readonly<Record<string, number>>;
}

/** By source. A router that is not in it got no order yet. */
export type RouterOrders = Readonly<Record<string, RouterOrder>>;
