import { type FunctionSlots, Slots } from "../placement/slots.ts";
import type { SlotsForWorker, SlotsFromWorker, Waiting } from "./worker-messages.ts";

/**
 * Calls that came within this time of one another may be served in another order when they came to different
 * workers: with one slot for two queues, a message for every call would cost more than the calls.
 */
export const SAME_TIME_MS = 10;

/** Somebody has to hear of a change: at the end of this turn of the event loop, or a little later. */
export type Urgency = "now" | "soon";

class HeldSlots extends Slots {
  /** The instance gets no more calls from here: its slots go back as they become free. */
  isLeaving = false;
}

const NOBODY: Waiting = { calls: 0, sinceMs: 0 };

/**
 * One function's slots at a worker. The worker has slots of its own, so that a call needs no message; when they are used up it
 * says how many calls wait, and when others wait it returns what it does not need. Never are more in use than were
 * granted, and what is returned is not used any more: so all workers together never exceed the concurrency.
 */
export class SharedSlots implements FunctionSlots {
  readonly name: string;
  waitingElsewhere = 0;
  readonly #changed: (slots: SharedSlots, urgency: Urgency) => void;
  readonly #held = new Map<string, HeldSlots>();
  readonly #returned = new Map<string, number>();
  #received = 0;
  #leaving = 0;
  #isGone = false;
  #waiting: Waiting = NOBODY;
  #toldCalls = 0;
  /** What others wait for. Every slot that is returned makes it less, every message of the primary sets it anew. */
  #wanted: Waiting = NOBODY;
  #granted: () => void = () => {};

  constructor(name: string, changed: (slots: SharedSlots, urgency: Urgency) => void) {
    this.name = name;
    this.#changed = changed;
  }

  /** True when the function is gone and nothing of it is left here. */
  get isOver(): boolean {
    const untold = this.#returned.size + this.#received;
    const isQuiet = untold + this.#waiting.calls + this.#toldCalls === 0;
    return this.#isGone && this.#held.size === 0 && isQuiet;
  }

  of(instance: string): Slots {
    const known = this.#held.get(instance);
    if (known !== undefined) return known;
    const slots = new HeldSlots(0);
    this.#held.set(instance, slots);
    return slots;
  }

  onGranted(listener: () => void): void {
    this.#granted = listener;
  }

  waiting(calls: number, sinceMs: number): void {
    this.#waiting = { calls, sinceMs };
    // The first that waits, and the last that does not any more, are news; in between it is a matter of order.
    this.#changed(this, (calls === 0) !== (this.#toldCalls === 0) ? "now" : "soon");
  }

  freed(instance: string, sinceMs: number | undefined): void {
    if (this.#wanted.calls === 0 && this.#leaving === 0) return;
    const slots = this.#held.get(instance);
    if (slots === undefined) return;
    if (slots.isLeaving) {
      this.#return(instance, slots, slots.free);
      return;
    }
    // Those who wait elsewhere came first, and clearly so.
    const isTheirs = sinceMs === undefined || sinceMs > this.#wanted.sinceMs + SAME_TIME_MS;
    if (this.#wanted.calls > 0 && isTheirs && slots.free > 0) this.#return(instance, slots, 1);
  }

  /** Takes over what the primary says. */
  take({ granted, wanted, waitingElsewhere }: SlotsForWorker): void {
    for (const [instance, count] of granted) {
      this.of(instance).total += count;
      this.#received += count;
    }
    if (wanted !== undefined) this.#wanted = wanted;
    if (waitingElsewhere !== undefined) this.waitingElsewhere = waitingElsewhere;
    if (granted.length > 0) this.#granted();
    this.#returnIdle();
  }

  /** The instances that calls may go to, undefined if the function is gone; those of before that are not among them leave. */
  keep(instances: ReadonlySet<string> | undefined): void {
    this.#isGone = instances === undefined;
    for (const [id, slots] of this.#held) {
      const isLeaving = !instances?.has(id);
      if (isLeaving !== slots.isLeaving) this.#leaving += isLeaving ? 1 : -1;
      slots.isLeaving = isLeaving;
      if (isLeaving) this.#return(id, slots, slots.free);
    }
  }

  /** What the primary is to know, once. */
  news(): SlotsFromWorker {
    const news = {
      name: this.name,
      waiting: this.#waiting,
      received: this.#received,
      returned: [...this.#returned],
    };
    this.#received = 0;
    this.#returned.clear();
    this.#toldCalls = this.#waiting.calls;
    return news;
  }

  /** Half of what is idle, and more if more is wanted: who runs short once runs short again. */
  #returnIdle(): void {
    if (this.#wanted.calls === 0) return;
    let idle = 0;
    for (const { free } of this.#held.values()) idle += free;
    let count = Math.min(idle, Math.max(this.#wanted.calls, Math.floor(idle / 2)));
    for (const [id, slots] of this.#held) {
      if (count === 0) return;
      const some = Math.min(slots.free, count);
      count -= some;
      if (some > 0) this.#return(id, slots, some);
    }
  }

  #return(instance: string, slots: HeldSlots, count: number): void {
    slots.total -= count;
    if (slots.isLeaving && slots.total === 0) {
      this.#held.delete(instance);
      this.#leaving--;
    }
    if (count === 0) return;
    this.#returned.set(instance, (this.#returned.get(instance) ?? 0) + count);
    const { calls, sinceMs } = this.#wanted;
    this.#wanted = { calls: Math.max(0, calls - count), sinceMs };
    this.#changed(this, "now");
  }
}
