import { isAway } from "../../calling/away.ts";
import type { HeldLease, LeasedCall } from "../../store/calls.ts";
import type { DeliveryHooks, EventServices, EventsPart } from "../services.ts";
import { FunctionSlots } from "./function-slots.ts";
import { Heartbeat } from "./heartbeat.ts";
import { QueuePaces } from "./queue-paces.ts";
import { type Ran, Runner } from "./runner.ts";
import { Senders } from "./senders.ts";
import { Settlements } from "./settlements.ts";

/** Time between two looks at a store that other programs change too, in milliseconds. */
const POLL_MS = 200;
/** Longest time without a look: a clock may have been set. */
const LONGEST_REST_MS = 60_000;
const RETRY_MS = 500;
/** Most calls of one lease: each is a transaction. */
const MOST_AT_ONCE = 64;
/** Time to store the ends of calls that the drain broke off, in milliseconds. */
const LAST_SETTLEMENTS_MS = 2_000;

export interface WorkerOptions extends EventServices {
  readonly hooks: readonly DeliveryHooks[];
}

interface Running {
  readonly call: LeasedCall;
  readonly ending: AbortController;
  /** Resolves when its end is stored. */
  readonly ended: Promise<void>;
}

/** Takes calls from the store as they become due, and runs them. */
export class Worker implements EventsPart {
  readonly #options: WorkerOptions;
  readonly #senders: Senders;
  readonly #runner: Runner;
  readonly #settlements: Settlements;
  readonly #heartbeat: Heartbeat;
  readonly #paces: QueuePaces;
  readonly #slots: FunctionSlots;
  readonly #running = new Map<string, Running>();
  readonly #byQueue = new Map<string, number>();
  readonly #wake = () => void this.#lease();
  #timer: NodeJS.Timeout | undefined;
  #isLeasing = false;
  #leasing: Promise<unknown> = Promise.resolve();
  #isWoken = false;
  #isAway = false;
  #isClosed = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { store, limits, now, print, isShared, changes } = options;
    this.#senders = new Senders(options);
    this.#runner = new Runner({ ...options, senders: this.#senders });
    this.#settlements = new Settlements({ calls: store.calls, now, print });
    this.#paces = new QueuePaces(limits.eventCallsEach);
    this.#slots = new FunctionSlots({ platform: options.platform, full: limits.eventCallsEach });
    this.#heartbeat = new Heartbeat({
      ...{ calls: store.calls, isShared, now, print },
      onReady: this.#wake,
      held: () => ({ running: [...this.#running.keys()], dropped: this.#settlements.dropped }),
      onDropped: (dropped) => this.#settlements.forget(dropped),
      onLost: () => {
        for (const { ending } of this.#running.values()) ending.abort(new Error("the lease was lost"));
      },
    });
    changes.on("calls", this.#wake);
    this.#heartbeat.start();
  }

  async close({ drainMs = 0 } = {}): Promise<void> {
    const { changes, print } = this.#options;
    this.#isClosed = true;
    changes.off("calls", this.#wake);
    clearTimeout(this.#timer);
    this.#slots.close();
    const ended = () => Promise.all([...this.#running.values()].map((each) => each.ended));
    await within(LAST_SETTLEMENTS_MS, this.#leasing);
    await within(drainMs, ended());
    for (const { ending } of this.#running.values())
      ending.abort(new Error("Skiff stopped during the attempt"));
    await within(LAST_SETTLEMENTS_MS, ended());
    this.#settlements.close();
    const left = this.#heartbeat
      .leave(() => this.#begun())
      .catch((error: Error) => {
        print(`this worker of events left without giving its calls back: ${error.message}`);
      });
    await within(LAST_SETTLEMENTS_MS, left);
    await this.#senders.close();
  }

  /** Calls that may have run, and whose ends are not stored. */
  #begun(): HeldLease[] {
    const running = [...this.#running.values()].map(({ call }) => ({ id: call.id, epoch: call.epoch }));
    return [...running, ...this.#settlements.dropped];
  }

  /** Leases as long as there are calls and room for them. */
  async #lease(): Promise<void> {
    this.#isWoken = true;
    if (this.#isLeasing) return;
    this.#isLeasing = true;
    clearTimeout(this.#timer);
    let restMs = LONGEST_REST_MS;
    try {
      while (this.#isWoken) {
        // Whatever wakes the worker in the same turn, such as the ends of a batch of calls, makes one lease.
        await new Promise(setImmediate);
        this.#isWoken = false;
        const leasing = this.#leaseOnce();
        this.#leasing = leasing.catch(() => {});
        restMs = await leasing;
      }
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway) this.#options.print(`calls that wait cannot be read: ${(error as Error).message}`);
      this.#isAway = true;
      restMs = RETRY_MS;
    }
    this.#isLeasing = false;
    if (!this.#isClosed) this.#timer = setTimeout(this.#wake, restMs);
  }

  /** Returns the time until something is due. */
  async #leaseOnce(): Promise<number> {
    const { store, limits, now, isShared } = this.#options;
    const free = limits.eventCalls - this.#running.size;
    const { owner } = this.#heartbeat;
    if (this.#isClosed || owner === undefined || free <= 0) return LONGEST_REST_MS;
    // Before the lease: a queue that it excepted is of no interest to it, and its pause may end meanwhile.
    const nowMs = performance.now();
    const pauseMs = this.#paces.nextEndMs(nowMs) ?? Infinity;
    const leased = await store.calls.lease({
      ...{ owner, now: now(), limit: Math.min(free, MOST_AT_ONCE), perQueue: limits.eventCallsEach },
      ...{ running: Object.fromEntries(this.#byQueue), most: this.#limits(), except: this.#resting(nowMs) },
    });
    // The lease of a worker that lost its id meanwhile runs out by itself.
    if (owner === this.#heartbeat.owner)
      for (const call of leased.calls) {
        if (this.#isClosed) this.#giveBack(call, owner);
        else this.#start(call, owner);
      }
    if (leased.isMore && leased.calls.length > 0) this.#isWoken = true;
    const dueMs = (leased.nextDueAt ?? Infinity) - now();
    return Math.max(1, Math.min(dueMs, pauseMs, isShared ? POLL_MS : LONGEST_REST_MS));
  }

  /** For others, or for later. The call did not begin, and keeps its place. */
  #giveBack({ id, epoch, dueAt }: LeasedCall, owner: string): void {
    void this.#settlements.settle({ id, owner, epoch, outcome: { state: "waiting", dueAt } });
  }

  #start(call: LeasedCall, owner: string): void {
    if (!this.#slots.take(call.target)) {
      // Another queue of the same lease took the last one. The call keeps its place.
      this.#giveBack(call, owner);
      return;
    }
    const ending = new AbortController();
    this.#byQueue.set(call.queue, (this.#byQueue.get(call.queue) ?? 0) + 1);
    const ended = this.#run(call, owner, ending.signal).finally(() => {
      this.#running.delete(call.id);
      const left = this.#byQueue.get(call.queue)! - 1;
      if (left > 0) this.#byQueue.set(call.queue, left);
      else this.#byQueue.delete(call.queue);
      // Also if the store does not announce: there is room for another call.
      this.#wake();
    });
    this.#running.set(call.id, { call, ending, ended });
  }

  async #run(call: LeasedCall, owner: string, signal: AbortSignal): Promise<void> {
    const { id, epoch, queue } = call;
    try {
      const ran = await this.#runner.run(call, signal).finally(() => {
        if (this.#slots.giveBack(call.target)) this.#wake();
      });
      if (this.#heartbeat.owner !== owner) return;
      const outcome = this.#outcomeOf(queue, ran);
      await this.#settlements.settle({ ...ran, id, owner, epoch, outcome });
    } catch (error) {
      if (isAway(error)) return this.#settlements.drop({ id, epoch });
      this.#options.print(`the worker of events failed at the call ${id}: ${(error as Error).message}`);
      const reason = `Skiff failed: ${(error as Error).message}`;
      await this.#settlements.settle({ id, owner, epoch, outcome: { state: "dead", reason } });
    }
  }

  /** A refused call waits until the pause of its queue is over. */
  #outcomeOf(queue: string, { outcome }: Ran) {
    if (outcome.state !== "refused") {
      this.#paces.answered(queue);
      return outcome;
    }
    const running = this.#byQueue.get(queue) ?? 1;
    const { retryAfterMs } = outcome;
    const pauseMs = this.#paces.refused(queue, { running, retryAfterMs, nowMs: performance.now() });
    return { state: "waiting", dueAt: this.#options.now() + Math.ceil(pauseMs) } as const;
  }

  /** Queues that may run less than others. */
  #limits(): Record<string, number> {
    const { hooks } = this.#options;
    const most: Record<string, number> = {};
    const bound = (queue: string, limit: number) => {
      most[queue] = Math.min(limit, most[queue] ?? limit);
    };
    for (const [queue, limit] of this.#paces.limits()) bound(queue, limit);
    for (const [queue, limit] of hooks.flatMap((hook) => [...(hook.limits?.() ?? [])])) bound(queue, limit);
    for (const [queue, free] of this.#slots.free(hooks)) bound(queue, (this.#byQueue.get(queue) ?? 0) + free);
    return most;
  }

  #resting(nowMs: number): string[] {
    const { hooks } = this.#options;
    return [...this.#paces.paused(nowMs), ...hooks.flatMap((hook) => hook.resting?.() ?? [])];
  }
}

/** Resolves with the work, or after `ms` without it. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
