import type { LogLevel, LogLine } from "../platform/platform.ts";
import type { TracedCall, WakeMs } from "../platform/usage/exchange.ts";
import type { Bodies } from "./bodies.ts";
import type { Calls } from "./calls.ts";
import type { Runs } from "./flows/runs.ts";
import type { Timers } from "./timers.ts";
import type { Topics } from "./topics.ts";

/**
 * What happened: usage, who changed what, and the lines of functions. Writes are durable when they resolve. Every method
 * throws Problem `store_unavailable` while the store cannot be reached, and `draining` once it is closed.
 */
export interface Store {
  readonly usage: UsageLedger;
  readonly audit: AuditLog;
  readonly logs: LogStore;
  /** Waits for writes under way. */
  close(): Promise<void>;
}

/** What waits to happen, in the same database. */
export interface EventStore {
  readonly calls: Calls;
  readonly topics: Topics;
  readonly timers: Timers;
  readonly bodies: Bodies;
}

/** Also runs of flows. */
export interface FlowStore extends EventStore {
  readonly runs: Runs;
}

/** Calls by function and caller. Nothing of a call but sums is kept. */
export interface UsageLedger {
  /**
   * Adds what routers counted. A batch with a `sequence` that is not above the last one of its `source` is ignored, so
   * that a repeated write counts once.
   */
  add(batches: readonly UsageBatch[]): Promise<void>;
  /** Sums by the columns `by`, in their order. `from` and `to` are rounded down to whole hours; `to` is excluded. */
  sum(query: UsageQuery): Promise<readonly UsageSum[]>;
  /** The minutes of a function from `since` on, for at most the last 25 hours. */
  minutes(name: string, since: Date): Promise<readonly UsageMinute[]>;
  /** The calls of some functions in steps of time, for as long as minutes are kept. */
  series(query: SeriesQuery): Promise<readonly UsageStep[]>;
  /** Records how many instances functions have. Of several samples of a minute the largest numbers count. */
  sample(samples: readonly UsageSample[]): Promise<void>;
  /** The largest samples of steps, oldest first. */
  samples(query: SeriesQuery): Promise<readonly SampledStep[]>;
  /** A call that failed or waited for a start, if it is kept: for 24 hours, the newest 100,000. */
  trace(callId: string): Promise<TracedCall | undefined>;
  /** Calls in the month (UTC) that `at` is in. */
  month(at: Date): Promise<MonthlyCalls>;
  /** The time of the last use by id of the key. */
  lastUse(): Promise<ReadonlyMap<string, Date>>;
}

export interface UsageBatch {
  /** Names a process that counts, since its start. */
  readonly source: string;
  /** From 1, one more for each batch of the source. */
  readonly sequence: number;
  readonly hours: readonly UsageHour[];
  readonly minutes: readonly UsageMinute[];
  readonly traced?: readonly TracedCall[];
  readonly keys: readonly { readonly key: string; readonly usedAt: Date }[];
}

export interface Used {
  readonly calls: number;
  /** Calls answered with 5xx, or broken off by the function or by Skiff. */
  readonly errors: number;
  /** Time on an instance in seconds, times the memory of the version in GB (10^9 bytes). */
  readonly gbSeconds: number;
  /** Bytes sent to clients, heads included. */
  readonly bytesOut: number;
}

export interface UsageHour extends Used {
  /** The start of the hour, UTC. */
  readonly hour: Date;
  readonly function: string;
  readonly version: number;
  /** Id of the key; empty for calls without one. */
  readonly key: string;
}

export interface UsageMinute {
  /** The start of the minute. */
  readonly minute: Date;
  readonly function: string;
  readonly version: number;
  readonly calls: number;
  readonly errors: number;
  /** Calls per bucket of USAGE_BUCKETS (platform/usage/durations.ts), not cumulative. */
  readonly durations: readonly number[];
  readonly coldStarts?: number;
  readonly wakeMs?: WakeMs;
  readonly refused?: number;
}

export interface UsageSample {
  readonly at: Date;
  readonly function: string;
  readonly instances: number;
  /** Of all its instances; absent where it is not measured. */
  readonly memoryMiB?: number;
}

export interface SampledStep extends Omit<UsageSample, "at"> {
  readonly from: Date;
}

export interface SeriesQuery {
  readonly functions: readonly string[];
  readonly since: Date;
  /** Excluded. */
  readonly until: Date;
  /** Whole minutes. */
  readonly stepMs: number;
}

/** What was counted of one version in a step. */
export interface UsageStep extends Required<Omit<UsageMinute, "minute">> {
  /** The start of the step: a multiple of its length since 1970. */
  readonly from: Date;
}

export type UsageColumn = "function" | "key" | "version" | "hour";

export interface UsageQuery {
  readonly from: Date;
  readonly to: Date;
  readonly by: readonly UsageColumn[];
  readonly function?: string;
  readonly key?: string;
  /** Most rows, the first in the order of `by`; without it all. */
  readonly limit?: number;
}

/** A sum, with the columns by which it was grouped. */
export interface UsageSum extends Used {
  readonly function?: string;
  readonly key?: string;
  readonly version?: number;
  readonly hour?: Date;
}

export interface MonthlyCalls {
  readonly functions: Readonly<Record<string, number>>;
  readonly keys: Readonly<Record<string, number>>;
}

/** Every write through the management API. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly (AuditEntry & { readonly id: string })[]>;
}

export interface AuditEntry {
  readonly at: Date;
  /** Who: `token`, `key ci-deploy (k1a2b3)`, `oidc alice@example.com`, `local`. */
  readonly by: string;
  /** Address of the client. */
  readonly from: string;
  /** Such as `deploy`, `rollback`, `key.create`. */
  readonly action: string;
  /** Such as `hello` or `secret/db-password`. */
  readonly target: string;
  /** The answer, such as 201. */
  readonly status: number;
  /** What it did, in a few words; never a secret. */
  readonly detail: string;
  readonly callId: string;
}

export interface AuditQuery {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Part of `by` or of `target`. */
  readonly search?: string | undefined;
  /** Exactly this action on this target. */
  readonly of?: Pick<AuditEntry, "action" | "target"> | undefined;
  /** `id` of the last entry of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The lines of functions, for 7 days or 64 MiB of each function. */
export interface LogStore {
  /** Appends lines in order. Lines of one instance keep their order. */
  append(name: string, lines: readonly LogLine[]): Promise<void>;
  /** The matching lines, oldest first: the last `tail` of them, or those after the cursor. */
  read(name: string, query: LogQuery): AsyncIterable<KeptLine>;
  /**
   * The last `tail` matching lines (none by default), or those after `after`, and then new ones, until the signal
   * aborts. None is missing or repeated between. A reader that is too slow gets a line of the stream `platform` that says
   * how many it lost.
   */
  follow(name: string, query: LogQuery & { readonly signal: AbortSignal }): AsyncIterable<KeptLine>;
  /** Returns the position behind the last line: a cursor for `after`, also of a log without lines. */
  end(name: string): Promise<string>;
  /** Removes the lines of a removed function. */
  forget(name: string): Promise<void>;
}

export interface KeptLine extends LogLine {
  /** Opaque position of the line, which orders all lines of a function: a cursor for `after`. */
  readonly id: string;
}

export interface LogQuery {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Most lines, the newest; without it all. */
  readonly tail?: number | undefined;
  readonly after?: string | undefined;
  readonly call?: string | undefined;
  /** The least level. */
  readonly level?: LogLevel | undefined;
  readonly version?: number | undefined;
  /** Part of the text, without regard to case. */
  readonly search?: string | undefined;
  /** Status of failed calls, as `500` or `5xx`. */
  readonly status?: string | undefined;
}
