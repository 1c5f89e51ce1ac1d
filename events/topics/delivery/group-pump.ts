import type { NewCall } from "../../../store/call.ts";
import type { StoredEvent, Topics } from "../../../store/topics.ts";
import { type Group, rests } from "./groups.ts";

/** Most events that become deliveries in one transaction. */
const BATCH = 256;
/** Live deliveries of a group from which on the rest of its events waits in the topic. */
export const MOST_LIVE = 1_000;

export interface GroupPumpOptions {
  readonly topics: Pick<Topics, "place" | "join" | "read" | "deliver">;
  /** Where the place of the group begins. */
  readonly start: (group: Group) => Parameters<Topics["join"]>[0];
  /** Returns the deliveries of events, each of one event or of none. */
  readonly deliveries: (group: Group, events: readonly StoredEvent[]) => NewCall[];
  /** Returns the live deliveries of a group as they are now. */
  readonly live: (group: Group) => Promise<number>;
  /** Called once when there is no room for more deliveries. `wake` is due when some have ended. */
  readonly onFull: (pump: GroupPump) => void;
  /** Called when all events that it may deliver have become deliveries. */
  readonly onDone: (pump: GroupPump) => void;
  readonly onError: (pump: GroupPump, error: unknown) => void;
  readonly now: () => number;
}

/**
 * Makes deliveries of the events of one group. Any number of programs may do so at the same time: moving the place decides
 * which of them made the deliveries.
 */
export class GroupPump {
  readonly #options: GroupPumpOptions;
  #group: Group;
  #joining: Promise<void> | undefined;
  /** All events up to it have become deliveries, as far as this program knows. */
  #position = 0;
  /** The most live deliveries that there can be. */
  #live = MOST_LIVE;
  #running: Promise<void> | undefined;
  #isWoken = false;
  #isMoved = false;
  #isClosed = false;

  constructor(group: Group, options: GroupPumpOptions) {
    this.#group = group;
    this.#options = options;
  }

  get group(): Group {
    return this.#group;
  }

  get position(): number {
    return this.#position;
  }

  set(group: Group): void {
    this.#group = group;
    this.wake();
  }

  /** Resolves when the group has a place, so that it gets every event from now on. */
  join(): Promise<void> {
    this.#joining ??= this.#join();
    return this.#joining;
  }

  /** Looks for events now. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isClosed) return;
    this.#running ??= this.#run();
  }

  /** Follows the place, which somebody else has moved. */
  follow(): void {
    this.#isMoved = true;
    this.wake();
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #join(): Promise<void> {
    try {
      const { topics, start } = this.#options;
      const { position } = await topics.join(start(this.#group));
      this.#position = position;
    } catch (error) {
      this.#joining = undefined;
      throw error;
    }
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWoken && !this.#isClosed) {
        this.#isWoken = false;
        await this.join();
        if (this.#isMoved) await this.#followPlace();
        await this.#pass();
        this.#options.onDone(this);
      }
    } catch (error) {
      this.#options.onError(this, error);
    } finally {
      this.#running = undefined;
    }
  }

  /** Makes deliveries of all events that there are. */
  async #pass(): Promise<void> {
    const { topics, deliveries, onFull, now } = this.#options;
    while (!this.#isClosed && !rests(this.#group)) {
      const room = await this.#room();
      if (room === 0) return onFull(this);
      const { topic, name: group } = this.#group;
      const from = this.#position;
      const events = await topics.read(topic, from, Math.min(BATCH, room));
      if (events.length === 0) return;
      const calls = deliveries(this.#group, events);
      const to = events.at(-1)!.position;
      if (await topics.deliver({ topic, group, from, to, calls, now: now() })) {
        this.#position = to;
        this.#live += calls.length;
      } else await this.#followPlace();
    }
  }

  async #room(): Promise<number> {
    if (this.#live >= MOST_LIVE) this.#live = await this.#options.live(this.#group);
    return Math.max(0, MOST_LIVE - this.#live);
  }

  /** Another program has moved the place, or the group was removed and is there again. */
  async #followPlace(): Promise<void> {
    this.#isMoved = false;
    const { topic, name } = this.#group;
    const place = await this.#options.topics.place(topic, name);
    if (place !== undefined) this.#position = place.position;
    else {
      this.#joining = undefined;
      await this.join();
    }
  }
}
