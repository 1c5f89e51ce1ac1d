import type { Answer, Attempt, CallHead, CallRecord, CallState, NewCall } from "./call.ts";
import type { NewEvent } from "./event.ts";

/**
 * Asynchronous calls: requests that wait to be sent, and records of those that ended. Times are milliseconds since 1970, and
 * every method that needs the present gets it. Methods throw Problem `store_unavailable` and `draining`, as in store.ts.
 *
 * A call is in one of these states: `waiting` (for its time, for its turn in the order of its key, or for a worker),
 * `running` (leased by a worker), `done`, `dead` or `cancelled`. Live calls and ended ones are in different tables, so
 * that any number of records never slows down live work.
 *
 * A worker owns its leases as long as it beats. Each lease has an epoch one above the last one of the call, and `settle`
 * changes nothing unless owner and epoch still hold, so a worker that was thought dead cannot end a call of another one.
 */
export interface Calls {
  /**
   * Stores calls. Durable when it resolves. A call whose `idempotency` was seen before is not stored again. Outcomes are in
   * the order of `calls`; one that is refused does not affect the others.
   */
  enqueue(calls: readonly NewCall[], options: EnqueueOptions): Promise<readonly Enqueued[]>;
  /**
   * Gives a worker calls that are due. Queues take turns; within one, higher priorities go first, then those that were due first.
   * Of calls with the same queue and order key one is live outside `waiting` at a time, and the next one follows when it has
   * ended, not before its retries have.
   */
  lease(request: LeaseRequest): Promise<Leased>;
  /**
   * Records the beat of a worker. The first one registers the worker; it comes before the first lease.
   * @param held What it leased more than a minute ago and does not name goes back to the queue: a lease is lost when the
   * connection to the store breaks before the worker gets it.
   */
  beat(owner: string, now: number, held?: HeldCalls): Promise<Beat>;
  /** The last beats of workers that have leases. */
  beats(): Promise<readonly WorkerBeat[]>;
  /**
   * Gives calls of workers whose last beat is still the given one back to the queue, or those of all workers; at most
   * `limit`. Each keeps the attempt that it began, as a failed one. Returns how many.
   */
  reclaim(request: {
    readonly silent: readonly WorkerBeat[] | "all";
    readonly now: number;
    readonly limit: number;
  }): Promise<number>;
  /** Ends attempts, in one transaction. Each is false if its lease no longer holds; nothing of it was changed then. */
  settle(settlements: readonly Settlement[], now: number): Promise<readonly boolean[]>;
  /**
   * Gives back all leases of a worker that stops, and forgets the worker.
   * @param begun Calls that may have run, and whose ends are not stored: each keeps its attempt, as a failed one.
   */
  leave(owner: string, now: number, begun?: readonly HeldLease[]): Promise<void>;

  get(id: string): Promise<CallRecord | undefined>;
  /** As `get`, without reading bodies. */
  head(id: string): Promise<CallHead | undefined>;
  /** Newest first. */
  list(query: CallQuery): Promise<readonly CallHead[]>;
  /** Ends a waiting call. Returns the state that the call has now; undefined if there is none. */
  cancel(id: string, now: number): Promise<CallState | undefined>;
  /** Ends waiting calls, at most `limit`, oldest first. */
  cancelAll(query: CallFilter, options: { readonly now: number; readonly limit: number }): Promise<Cancelled>;
  /**
   * Makes dead calls wait again with all their attempts anew, at most `limit`, oldest first. The id and earlier attempts stay.
   */
  retry(
    query: CallFilter,
    options: { readonly now: number; readonly limit: number },
  ): Promise<readonly string[]>;
  /** Removes records of ended calls, at most `limit`. Returns how many. */
  purge(query: CallFilter, limit: number): Promise<number>;
  /**
   * Counts of every queue since its first call, of which `accepted = waiting + running + done + dead + cancelled` holds
   * also while calls are purged or retried: `dead` are those that are dead now, and dead ones that were removed count as
   * cancelled.
   */
  totals(): Promise<readonly QueueTotals[]>;
  /** Live calls of some queues together. Unlike `totals` it costs the same for any number of calls. */
  live(queues: readonly string[]): Promise<number>;
  /** Removes a batch of records and of idempotency keys that ended before `before`. Returns whether more is left. */
  removeOld(before: number): Promise<boolean>;
}

export interface EnqueueOptions {
  readonly now: number;
  /** Most live calls of one queue. */
  readonly mostLive: number;
}

export type Enqueued =
  | { readonly id: string; readonly isNew: boolean }
  /** `full`: the queue has `mostLive` calls. `reused`: its idempotency key belongs to a different request. */
  | { readonly refused: "full" | "reused" };

export interface LeaseRequest {
  readonly owner: string;
  readonly now: number;
  readonly limit: number;
  /** Most calls of one queue that the worker runs at a time. */
  readonly perQueue: number;
  /** Calls that it runs now, by queue. */
  readonly running: Readonly<Record<string, number>>;
  /** Most calls at a time of queues of which it runs fewer than `perQueue`. */
  readonly most?: Readonly<Record<string, number>>;
  /** Queues that it leaves alone for now. */
  readonly except: readonly string[];
}

/** A lease as its worker names it. */
export interface HeldLease {
  readonly id: string;
  readonly epoch: number;
}

/** What a worker knows of its leases. */
export interface HeldCalls {
  /** Ids of the calls that it runs, or whose ends it still has to store. */
  readonly running: readonly string[];
  /** Calls that it ran and whose ends cannot be stored: they go back to the queue, each with a failed attempt. */
  readonly dropped: readonly HeldLease[];
}

/** What became of the leases of a worker that beats. */
export interface Beat {
  /** False if its leases were taken away since its last beat: it must drop what it runs. */
  readonly isHeld: boolean;
  /** Calls that went back to their queues. */
  readonly givenBack: number;
}

/** What cancelling many calls did. */
export interface Cancelled {
  readonly count: number;
  /** Whether more may be waiting: the limit was reached. Others may have begun to run meanwhile. */
  readonly isMore: boolean;
}

export interface WorkerBeat {
  readonly owner: string;
  /** By the clock of the worker: others compare it with an earlier one alone. */
  readonly beatAt: number;
}

export interface Leased {
  readonly calls: readonly LeasedCall[];
  /** When the next call that waits for its time is due; undefined if none does. */
  readonly nextDueAt: number | undefined;
  /** Whether more calls may be due than the worker had room for. */
  readonly isMore: boolean;
}

export interface LeasedCall extends NewCall {
  readonly epoch: number;
  /** Number of this attempt, from 1. After a retry of a dead call numbers go on. */
  readonly attempt: number;
  /**
   * Attempts since the call was accepted or last retried by hand, this one included: what the policy counts. It is above
   * `policy.attempts` when the worker of the last one died: the call is to end without another.
   */
  readonly attemptOfRound: number;
  /** From which `maxAgeMs` counts: when the call was accepted or last retried by hand; of a delivery its first lease. */
  readonly roundAt: number;
}

export interface Settlement {
  readonly id: string;
  readonly owner: string;
  readonly epoch: number;
  /** Absent for a refusal by Skiff itself, which counts as no attempt: the number is used again. */
  readonly attempt?: Attempt | undefined;
  readonly outcome:
    | { readonly state: "done"; readonly answer?: Answer | undefined }
    | { readonly state: "dead"; readonly reason: string; readonly answer?: Answer | undefined }
    | { readonly state: "waiting"; readonly dueAt: number };
  /** What is stored in the same transaction: a callback, replies. */
  readonly calls?: readonly NewCall[] | undefined;
  readonly events?: readonly NewEvent[] | undefined;
  readonly reply?: Reply | undefined;
}

/** What a subscriber answered to an event for which somebody waits. */
export interface Reply {
  /** Id of the waiter (topics.ts). */
  readonly waiter: string;
  readonly group: string;
  /** Absent: the group does not reply. */
  readonly answer?: Answer | undefined;
  /** Why there is no answer, as a sentence. */
  readonly error?: string | undefined;
}

export interface CallFilter {
  readonly id?: string | undefined;
  readonly queue?: string | undefined;
  readonly states?: readonly CallState[] | undefined;
  /** The name is that of the schedule or subscription, or the id of the call whose outcome a callback has. */
  readonly origin?:
    | { readonly kind: "schedule" | "subscription" | "callback"; readonly name: string }
    | undefined;
  readonly keyId?: string | undefined;
  /** Only of these functions. */
  readonly functions?: readonly string[] | undefined;
  readonly acceptedSince?: number | undefined;
  readonly acceptedUntil?: number | undefined;
}

export interface CallQuery extends CallFilter {
  /** `id` of the last call of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface QueueTotals {
  readonly queue: string;
  readonly accepted: number;
  readonly waiting: number;
  readonly running: number;
  readonly done: number;
  readonly dead: number;
  readonly cancelled: number;
  /** Attempts that ended. */
  readonly attempts: number;
  /** When the oldest call that is due was due. */
  readonly oldestDueAt?: number | undefined;
}
