import type { NewCall } from "../../call.ts";
import type {
  CallFilter,
  CallQuery,
  Calls,
  Enqueued,
  EnqueueOptions,
  HeldCalls,
  HeldLease,
  LeaseRequest,
  Settlement,
  WorkerBeat,
} from "../../calls.ts";
import { Batches } from "../batches.ts";
import type { RunWork } from "../works.ts";
import type { Enqueue } from "./enqueue.ts";
import { type At, SHARDS } from "./totals.ts";

export interface SqlCallsOptions {
  readonly run: RunWork;
  /** Transactions of a kind at a time. */
  readonly lanes: number;
  /** The first row in which this program counts, from 0 to SHARDS - 1. */
  readonly shard: number;
}

/** Most items of one transaction. */
const MOST = 256;

/** Calls in a database. Requests that come together share a transaction. */
export class SqlCalls implements Calls {
  readonly #run: RunWork;
  readonly #shard: number;
  readonly #enqueues: Batches<Enqueue, readonly Enqueued[]>;
  readonly #settlements: Batches<{ readonly settlement: Settlement; readonly now: number }, boolean>;

  constructor({ run, lanes, shard }: SqlCallsOptions) {
    this.#run = run;
    this.#shard = shard;
    this.#enqueues = new Batches({ run: (items, lane) => this.#enqueueAll(items, lane), lanes, most: MOST });
    this.#settlements = new Batches({
      run: (items, lane) => {
        const settlements = items.map(({ settlement }) => settlement);
        const now = Math.max(...items.map((item) => item.now));
        // Not in the rows of enqueues: they would wait for each other.
        return run("settleCalls", settlements, this.#at(now, lanes + lane));
      },
      lanes,
      most: MOST,
    });
  }

  async enqueue(calls: readonly NewCall[], options: EnqueueOptions): Promise<readonly Enqueued[]> {
    return calls.length === 0 ? [] : await this.#enqueues.add({ ...options, calls });
  }

  async settle(settlements: readonly Settlement[], now: number): Promise<readonly boolean[]> {
    return await Promise.all(settlements.map((settlement) => this.#settlements.add({ settlement, now })));
  }

  lease(request: LeaseRequest) {
    return this.#run("leaseCalls", request);
  }

  beat(owner: string, now: number, held?: HeldCalls) {
    return this.#run("beatWorker", owner, this.#at(now), held);
  }

  beats() {
    return this.#run("workerBeats");
  }

  reclaim({ now, ...request }: { silent: readonly WorkerBeat[] | "all"; now: number; limit: number }) {
    return this.#run("reclaimCalls", request, this.#at(now));
  }

  leave(owner: string, now: number, begun: readonly HeldLease[] = []) {
    return this.#run("leaveWorker", owner, begun, this.#at(now));
  }

  get(id: string) {
    return this.#run("getCall", id);
  }

  head(id: string) {
    return this.#run("headOfCall", id);
  }

  list(query: CallQuery) {
    return this.#run("listCalls", query);
  }

  cancel(id: string, now: number) {
    return this.#run("cancelCall", id, this.#at(now));
  }

  cancelAll(query: CallFilter, { now, limit }: { now: number; limit: number }) {
    return this.#run("cancelCalls", query, limit, this.#at(now));
  }

  retry(query: CallFilter, { now, limit }: { now: number; limit: number }) {
    return this.#run("retryCalls", query, limit, this.#at(now));
  }

  purge(query: CallFilter, limit: number) {
    return this.#run("purgeCalls", query, limit, this.#shard);
  }

  live(queues: readonly string[]) {
    return this.#run("countLive", queues);
  }

  totals() {
    return this.#run("totals");
  }

  removeOld(before: number) {
    return this.#run("removeOldCalls", before, this.#shard);
  }

  #at(now: number, lane = 0): At {
    return { now, shard: (this.#shard + lane) % SHARDS };
  }

  async #enqueueAll(items: readonly Enqueue[], lane: number): Promise<(readonly Enqueued[])[]> {
    const { shard } = this.#at(0, lane);
    const outcomes = await this.#run("enqueueAll", items, shard);
    let at = 0;
    return items.map(({ calls }) => {
      at += calls.length;
      return outcomes.slice(at - calls.length, at);
    });
  }
}
