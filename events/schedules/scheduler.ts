import { newTraceparent } from "../../http/traceparent.ts";
import { parseCron } from "../../platform/events/cron.ts";
import type { RetrySettings } from "../../platform/events/retry-policy.ts";
import { newCallId } from "../../store/call-id.ts";
import { firedBy } from "../../store/scheduled.ts";
import type { EventStore } from "../../store/store.ts";
import type { NewFiring, Timer } from "../../store/timers.ts";
import { firstTime, planFirings } from "./plan.ts";
import type { Scheduled } from "./scheduled.ts";

export interface SchedulerOptions {
  readonly store: Pick<EventStore, "timers" | "bodies">;
  /** Returns the setting `retry` of a function. */
  readonly retryOf: (name: string) => RetrySettings | undefined;
  /** Whether nothing has this timer any more, although nobody has removed it. */
  readonly isGone: (timer: string) => Promise<boolean>;
  /** Gets how late a firing was, in milliseconds, without its jitter. */
  readonly onFired: (lateMs: number) => void;
  readonly print: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: () => number;
}

/** Timers that are fired at a time. */
const BATCH = 500;
/** The clock of the machine may be set, and other programs may remove timers. */
const LONGEST_WAIT_MS = 30_000;
const RETRY_MS = 1_000;
/** A program that has not read a change yet knows other times of a schedule than the store for at most so long. */
const LAG_MS = 10_000;
/** Clocks of two programs differ by less. */
const SKEW_MS = 60_000;

/** Fires timers when they are due. Any number of schedulers of a store fire each time once. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #known = new Map<string, Scheduled>();
  /** Timers that the store does not have as they are known. */
  readonly #unset = new Set<string>();
  /** Schedules whose times this program cannot compute, such as in a time zone that it does not have. */
  readonly #broken = new Set<string>();
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isWoken = false;
  #wake: () => void = () => {};
  #lastError = "";
  /** The time of the turn before. */
  #turnAt = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Sets the timer of a schedule that is new or has changed. */
  put(scheduled: Scheduled): void {
    const before = this.#known.get(scheduled.name);
    this.#known.set(scheduled.name, scheduled);
    // What it sends is read when it fires. On Kubernetes each change of a status arrives here too.
    if (before?.rule !== scheduled.rule) this.#change(scheduled.name);
  }

  /** Removes the timer of a schedule. */
  remove(name: string): void {
    if (this.#known.delete(name)) this.#change(name);
  }

  /** Begins to fire. What was put before is set first. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Waits for the firings under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#notify();
    await this.#running;
  }

  /** Fires what is due, once. Returns the time at which more may be due, in milliseconds since 1970. */
  async turn(): Promise<number> {
    const { store, now } = this.#options;
    if (now() < this.#turnAt - SKEW_MS) for (const name of this.#known.keys()) this.#unset.add(name);
    this.#turnAt = now();
    await this.#setTimers();
    const due = await store.timers.due(now(), BATCH);
    const outcomes = await Promise.allSettled(due.timers.map((timer) => this.#fire(timer)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const times = outcomes.map((outcome) => (outcome as PromiseFulfilledResult<number | undefined>).value);
    const isMore = due.timers.length === BATCH && times.some((time) => time !== undefined);
    if (isMore || this.#unset.size > 0) return now();
    return Math.min(
      now() + LONGEST_WAIT_MS,
      due.nextDueAt ?? Number.POSITIVE_INFINITY,
      ...times.map((time) => time ?? Number.POSITIVE_INFINITY),
    );
  }

  #change(name: string): void {
    this.#broken.delete(name);
    this.#unset.add(name);
    this.#notify();
  }

  #notify(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      this.#isWoken = false;
      let until: number;
      try {
        until = await this.turn();
        this.#lastError = "";
      } catch (error) {
        const { message } = error as Error;
        if (message !== this.#lastError) this.#options.print(`schedules are late: ${message}`);
        this.#lastError = message;
        // A change in between does not make the store answer sooner.
        this.#isWoken = false;
        until = this.#options.now() + RETRY_MS;
      }
      await this.#waitUntil(until);
    }
  }

  async #waitUntil(time: number): Promise<void> {
    const waitMs = Math.min(Math.max(time - this.#options.now(), 0), LONGEST_WAIT_MS);
    if (this.#isWoken || this.#isClosed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #setTimers(): Promise<void> {
    const set = async (name: string) => {
      this.#unset.delete(name);
      try {
        await this.#setTimer(name);
      } catch (error) {
        this.#unset.add(name);
        throw error;
      }
    };
    const names = [...this.#unset];
    for (let from = 0; from < names.length; from += BATCH) {
      const outcomes = await Promise.allSettled(names.slice(from, from + BATCH).map(set));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #setTimer(name: string): Promise<void> {
    const { store, now } = this.#options;
    const scheduled = this.#known.get(name);
    if (scheduled === undefined) return store.timers.remove(name);
    const { rule, text, jitterMs, isPaused } = scheduled;
    const anchor = scheduled.anchor ?? now();
    const never = { dueAt: undefined, delayMs: 0 };
    const first = isPaused
      ? never
      : this.#computed(name, () => firstTime(parseCron(text, anchor), now(), { name, jitterMs }));
    if (first === undefined) return;
    const timer = await store.timers.set({ name, rule, anchor, ...first });
    if (timer.dueAt !== undefined) await this.#pullBack(scheduled, { ...timer, dueAt: timer.dueAt });
  }

  /** The other schedules go on, and another program may be able to fire this one. */
  #computed<T>(name: string, compute: () => T): T | undefined {
    try {
      return compute();
    } catch (error) {
      this.#broken.add(name);
      this.#options.print(`the schedule "${name}" fires nothing: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** A clock that was ahead made a timer pass times over, which are still to come. */
  async #pullBack(
    { text, jitterMs }: Scheduled,
    { name, anchor, dueAt }: Timer & { dueAt: number },
  ): Promise<void> {
    const { store, now } = this.#options;
    const rule = parseCron(text, anchor);
    const later = rule.next(now() + SKEW_MS);
    if (later === undefined || later >= dueAt) return;
    const next = firstTime(rule, now(), { name, jitterMs });
    // The store fires no time again that it has fired.
    await store.timers.fire({ name, dueAt, next, firings: [], now: now() });
  }

  /** Returns when the timer is due again, the present if another program has moved it; undefined if it stays as it is. */
  async #fire(timer: Timer): Promise<number | undefined> {
    const { store, now, onFired } = this.#options;
    const scheduled = this.#known.get(timer.name);
    if (scheduled === undefined) return this.#dropGone(timer);
    const startedAt = now();
    const { name, dueAt } = timer;
    if (dueAt === undefined || this.#broken.has(name)) return undefined;
    if (timer.rule !== scheduled.rule) {
      if (startedAt - dueAt > LAG_MS) this.#unset.add(name);
      return undefined;
    }
    const { jitterMs, missed } = scheduled;
    const rule = parseCron(scheduled.text, timer.anchor);
    const plan = planFirings({ rule, dueAt, now: startedAt, name, jitterMs, missed });
    const firings = await Promise.all(plan.fire.map((at) => this.#firing(scheduled, at)));
    if (plan.missed !== undefined) firings.unshift({ at: plan.missed, outcome: "missed" });
    if (firings.length === 0) return undefined;
    const isFired = await store.timers.fire({ name, dueAt, next: plan.next, firings, now: startedAt });
    if (!isFired) return startedAt;
    if (plan.fire.includes(dueAt)) onFired(Math.max(0, startedAt - dueAt - timer.delayMs));
    return plan.next.dueAt === undefined ? Number.POSITIVE_INFINITY : plan.next.dueAt + plan.next.delayMs;
  }

  async #firing(scheduled: Scheduled, at: number): Promise<NewFiring> {
    const { store, now, random, retryOf } = this.#options;
    const { name, call, event, overlap = "skip" } = scheduled;
    const time = {
      ...{ at, now: now(), id: newCallId(now(), random), by: `schedule ${name}` },
      traceparent: newTraceparent(),
      retry: call === undefined ? undefined : retryOf(call.function),
    };
    const fired = await firedBy(scheduled, time, store.bodies);
    return { at, ...fired, ...(event === undefined && overlap === "skip" ? { unlessLive: true } : {}) };
  }

  async #dropGone({ name }: Timer): Promise<number | undefined> {
    const { store, isGone, now } = this.#options;
    if (!(await isGone(name)) || this.#known.has(name)) return undefined;
    await store.timers.remove(name);
    return now();
  }
}
