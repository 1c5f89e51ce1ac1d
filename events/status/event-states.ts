import type { Platform } from "../../platform/platform.ts";
import type { EventStore } from "../../store/store.ts";
import type { EventState, TimerState } from "./verdicts.ts";

export interface EventStatesOptions {
  readonly store: Pick<EventStore, "calls" | "topics" | "timers">;
  readonly platform: Pick<Platform, "endpoints">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface KnownTimer extends TimerState {
  /** Of the declaration for which the timer was read. */
  readonly revision: string;
}

/** Reads what the statuses of declarations show. A timer is read again when it was due or its schedule has changed. */
export class EventStates {
  readonly #options: EventStatesOptions;
  #timers = new Map<string, KnownTimer>();

  constructor(options: EventStatesOptions) {
    this.#options = options;
  }

  /** @param schedules revisions of the schedules whose timers are wanted, by name */
  async read(schedules: ReadonlyMap<string, string>): Promise<Omit<EventState, "hasFlow">> {
    const { store, platform } = this.#options;
    const [topics, queues] = await Promise.all([store.topics.stats(), store.calls.totals()]);
    const timers = new Map<string, KnownTimer>();
    for (const [name, revision] of schedules) timers.set(name, await this.#timer(name, revision));
    this.#timers = timers;
    return {
      topics: new Map(topics.map((each) => [each.topic, each])),
      queues: new Map(queues.map((each) => [each.queue, each])),
      timers,
      hasFunction: (name) => platform.endpoints(name) !== undefined,
    };
  }

  async #timer(name: string, revision: string): Promise<KnownTimer> {
    const { store, now } = this.#options;
    const known = this.#timers.get(name);
    const dueAt = known?.timer?.dueAt;
    if (known?.revision === revision && dueAt !== undefined && dueAt > now()) return known;
    const [timer, [last]] = await Promise.all([
      store.timers.get(name),
      store.timers.firings(name, { limit: 1 }),
    ]);
    return { revision, timer, last };
  }
}
