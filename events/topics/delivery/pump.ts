import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "../../../platform/problems.ts";
import type { Calls } from "../../../store/calls.ts";
import type { StoreChanges } from "../../../store/changes.ts";
import type { Topics } from "../../../store/topics.ts";
import { queueOf } from "./deliveries.ts";
import { GroupPump, type GroupPumpOptions } from "./group-pump.ts";
import { type Group, groupKey } from "./groups.ts";

/** Wait after an error of the store, and between two looks at the deliveries of groups that have too many. */
const RETRY_MS = 1_000;
const FULL_MS = 50;
/** Other programs publish events and move places as well. */
const POLL_MS = 200;

export interface PumpOptions extends Pick<GroupPumpOptions, "deliveries" | "start" | "now"> {
  readonly topics: Topics;
  readonly calls: Pick<Calls, "live">;
  readonly changes: StoreChanges;
  /** Other programs use the store too. */
  readonly isShared: boolean;
  readonly print: (line: string) => void;
}

/** Turns the events of topics into deliveries to the groups of subscriptions. */
export class Pump {
  readonly #options: PumpOptions;
  readonly #pumps = new Map<string, GroupPump>();
  /** Groups whose removal is being stored. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #full = new Set<GroupPump>();
  readonly #closed = new AbortController();
  #fullTimer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  /** Groups whose last try failed. */
  readonly #failed = new Set<GroupPump>();

  constructor(options: PumpOptions) {
    this.#options = options;
    const { changes } = options;
    changes.on("events", this.#onEvents);
    changes.on("places", this.#onPlace);
    changes.on("calls", this.#onCalls);
    if (options.isShared) this.#polling = this.#poll();
  }

  /** Pumps these groups from now on. The place of a group that is missing is left. */
  set(groups: ReadonlyMap<string, Group>): void {
    if (this.#closed.signal.aborted) return;
    for (const [key, pump] of this.#pumps) if (!groups.has(key)) this.#remove(key, pump);
    for (const [key, group] of groups) {
      const pump = this.#pumps.get(key);
      if (pump === undefined) this.#add(key, group);
      else if (!isSame(pump.group, group)) pump.set(group);
    }
  }

  /** Resolves when every group of a topic gets what is published from now on. */
  async joined(topic: string): Promise<void> {
    await Promise.all(this.#of(topic).map((pump) => pump.join()));
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed.abort();
    const { changes } = this.#options;
    changes.off("events", this.#onEvents).off("places", this.#onPlace).off("calls", this.#onCalls);
    clearTimeout(this.#fullTimer);
    const pumps = [...this.#pumps.values()].map((pump) => pump.close());
    await Promise.all([...pumps, ...this.#leaving.values(), this.#polling]);
  }

  #of(topic: string): GroupPump[] {
    return [...this.#pumps.values()].filter(({ group }) => group.topic === topic);
  }

  #add(key: string, group: Group): void {
    const { topics, deliveries, start, now } = this.#options;
    const pump = new GroupPump(group, {
      topics: {
        place: (...given) => topics.place(...given),
        join: async (place) => {
          await this.#leaving.get(key);
          return topics.join(place);
        },
        read: (...given) => topics.read(...given),
        deliver: (delivery) => topics.deliver(delivery),
      },
      deliveries,
      start,
      live: (group) => this.#live(group),
      onFull: (full) => this.#full.add(full),
      onDone: (done) => this.#failed.delete(done),
      onError: this.#onError,
      now,
    });
    this.#pumps.set(key, pump);
    pump.wake();
  }

  #remove(key: string, pump: GroupPump): void {
    this.#pumps.delete(key);
    this.#full.delete(pump);
    this.#failed.delete(pump);
    const { topic, name } = pump.group;
    const { topics, now, print } = this.#options;
    const left = (async () => {
      await pump.close();
      await topics.leave(topic, name, now());
    })();
    const settled = left
      .catch((error: Error) =>
        print(`the group ${name} of topic ${topic} was not removed yet: ${error.message}`),
      )
      .finally(() => {
        if (this.#leaving.get(key) === settled) this.#leaving.delete(key);
      });
    this.#leaving.set(key, settled);
  }

  #live({ members }: Group): Promise<number> {
    return this.#options.calls.live(members.map(({ name }) => queueOf(name)));
  }

  readonly #onEvents = (topics: ReadonlySet<string>) => {
    for (const pump of this.#pumps.values()) if (topics.has(pump.group.topic)) pump.wake();
  };

  readonly #onPlace = (topic: string, group: string) => this.#pumps.get(groupKey(topic, group))?.follow();

  /** Deliveries may have ended. */
  readonly #onCalls = () => {
    if (this.#full.size === 0) return;
    this.#fullTimer ??= setTimeout(() => this.#wakeFull(), FULL_MS);
  };

  #wakeFull(): void {
    clearTimeout(this.#fullTimer);
    this.#fullTimer = undefined;
    const full = [...this.#full];
    this.#full.clear();
    for (const pump of full) pump.wake();
  }

  readonly #onError = (pump: GroupPump, error: unknown) => {
    if (this.#closed.signal.aborted) return;
    const { topic, name } = pump.group;
    const reason = error instanceof Problem ? error.detail : String(error);
    // One line for all groups: a store that is away fails for each of them.
    if (this.#failed.size === 0)
      this.#options.print(`events of topic ${topic} wait for the group ${name}: ${reason}`);
    if (this.#pumps.get(groupKey(topic, name)) === pump) this.#failed.add(pump);
    setTimeout(() => pump.wake(), RETRY_MS).unref();
  };

  async #poll(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      let waitMs = POLL_MS;
      try {
        if (this.#pumps.size > 0) await this.#look();
      } catch {
        // The next publish, and the pumps themselves, say so.
        waitMs = RETRY_MS;
      }
      await pause(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    this.#wakeFull();
    for (const { topic, end, groups } of await this.#options.topics.stats()) {
      for (const { group, position } of groups) {
        const pump = this.#pumps.get(groupKey(topic, group));
        if (pump === undefined) continue;
        if (pump.position !== position) pump.follow();
        else if (position < end) pump.wake();
      }
    }
  }
}

/** Subscriptions are replaced when they change. */
function isSame(group: Group, other: Group): boolean {
  const [before, after] = [group.members, other.members];
  return (
    group.isUnclear === other.isUnclear &&
    before.length === after.length &&
    before.every((member, index) => member === after[index])
  );
}
