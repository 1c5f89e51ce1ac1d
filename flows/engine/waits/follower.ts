import type { StoreChanges } from "../../../store/changes.ts";
import type { NewSignal, Runs } from "../../../store/flows/runs.ts";
import { type EventSource, eventValue, keyOf } from "./event-value.ts";

const EVENTS_AT_ONCE = 100;
/** Time between two looks at a store that other programs change too, in milliseconds. */
const POLL_MS = 200;
const RETRY_MS = 500;

export interface FollowerOptions extends EventSource {
  readonly waits: Runs["waits"];
  readonly changes: StoreChanges;
  readonly isShared: boolean;
  readonly now: () => number;
}

/**
 * Brings events to the runs that wait for them. Each topic that somebody waits for has a position up to which its events were compared
 * with the waits, so that any number of programs may follow it.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #onEvents = () => this.wake();
  #timer: NodeJS.Timeout | undefined;
  #following: Promise<void> | undefined;
  #isWoken = false;
  /** Topics that could not be read, or `""` for all of them. */
  readonly #failing = new Set<string>();
  #isClosed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    options.changes.on("events", this.#onEvents);
  }

  /** Looks for events. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isClosed) return;
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined;
      if (this.#isWoken) this.wake();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.changes.off("events", this.#onEvents);
    clearTimeout(this.#timer);
    await this.#following;
  }

  /** Never rejects. */
  async #follow(): Promise<void> {
    const { isShared } = this.#options;
    clearTimeout(this.#timer);
    this.#isWoken = false;
    let restMs = isShared ? POLL_MS : undefined;
    let topics: Awaited<ReturnType<Runs["waits"]["topics"]>> = [];
    const outcomes = [
      await this.#attempt("", async () => {
        topics = await this.#options.waits.topics();
      }),
    ];
    // A topic that fails does not hold up the others.
    for (const { topic, position } of topics)
      outcomes.push(await this.#attempt(topic, () => this.#catchUp(topic, position)));
    if (outcomes.includes(false)) restMs = RETRY_MS;
    if (!this.#isClosed && restMs !== undefined) this.#timer = setTimeout(() => this.wake(), restMs);
  }

  /** Returns whether it worked. */
  async #attempt(topic: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#failing.delete(topic);
      return true;
    } catch (error) {
      const of = topic === "" ? "" : ` of the topic ${topic}`;
      if (!this.#failing.has(topic)) {
        this.#options.print(`events${of} that runs wait for cannot be read: ${(error as Error).message}`);
      }
      this.#failing.add(topic);
      return false;
    }
  }

  async #catchUp(topic: string, position: number): Promise<void> {
    const { topics, waits, now } = this.#options;
    for (let from = position; !this.#isClosed; ) {
      const events = await topics.read(topic, from, EVENTS_AT_ONCE);
      const last = events.at(-1);
      if (last === undefined) return;
      const signals = await this.#signalsOf(topic, events);
      const to = last.position;
      // Another program was quicker, and goes on from there.
      if (!(await waits.advance({ topic, from, to, signals, now: now() }))) return;
      from = to;
    }
  }

  async #signalsOf(
    topic: string,
    events: Awaited<ReturnType<EventSource["topics"]["read"]>>,
  ): Promise<NewSignal[]> {
    const { waits, expressions } = this.#options;
    const rules = await waits.rules(topic);
    const signals: NewSignal[] = [];
    for (const event of rules.length === 0 ? [] : events) {
      const value = await eventValue(event, this.#options);
      if (value === undefined) continue;
      for (const rule of rules) {
        const key = keyOf(value, rule, expressions);
        if (key === undefined) continue;
        for (const { run, step, item } of await waits.find(topic, rule, key)) {
          const { position } = event;
          signals.push({ run, signal: { kind: "event", step, item, topic, position, event: value } });
        }
      }
    }
    return signals;
  }
}
