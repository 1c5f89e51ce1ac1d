import { setTimeout as pause } from "node:timers/promises";
import type { Limits } from "../../platform/limits.ts";
import { parseBytes, parseDurationMs } from "../../platform/quantity.ts";
import type { EventStore } from "../../store/store.ts";
import { QUEUE_PREFIX } from "./delivery/deliveries.ts";
import { groupKey } from "./delivery/groups.ts";
import type { TopicTable } from "./topic-table.ts";

const EVERY_MS = 60_000;
const RETRY_MS = 5_000;
/** Events, or deliveries, that are removed at a time. */
const BATCH = 500;

export interface HousekeepingOptions {
  readonly store: Pick<EventStore, "topics" | "calls">;
  readonly table: TopicTable;
  readonly limits: Limits;
  readonly now: () => number;
  readonly print: (line: string) => void;
}

/** Removes what topics keep no longer. Any number of programs may do so. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #closed = new AbortController();
  /** Queues of removed subscriptions whose deliveries wait. */
  readonly #orphans = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  /** The table is complete. Resolves after the first round, whatever became of it. */
  async start(): Promise<void> {
    const isDone = await this.#round();
    this.#running = this.#goOn(isDone ? EVERY_MS : RETRY_MS);
  }

  /** Deliveries of a removed subscription rest: it may come back, and then nothing is lost. */
  orphans(): ReadonlySet<string> {
    return this.#orphans;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  async #goOn(firstMs: number): Promise<void> {
    const { signal } = this.#closed;
    let waitMs = firstMs;
    while (!signal.aborted) {
      await pause(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) waitMs = (await this.#round()) ? EVERY_MS : RETRY_MS;
    }
  }

  async #round(): Promise<boolean> {
    try {
      await this.#findOrphans();
      await this.#trimTopics();
      await this.#cancelOrphans();
      return true;
    } catch (error) {
      if (!this.#closed.signal.aborted)
        this.#options.print(`topics are tidied later: ${(error as Error).message}`);
      return false;
    }
  }

  async #findOrphans(): Promise<void> {
    const { store, table } = this.#options;
    const totals = await store.calls.totals();
    this.#orphans.clear();
    for (const { queue, waiting } of totals) {
      if (!queue.startsWith(QUEUE_PREFIX) || waiting === 0) continue;
      if (table.subscription(queue.slice(QUEUE_PREFIX.length)) === undefined) this.#orphans.add(queue);
    }
  }

  /** Also leaves places whose removal could not be stored, or happened while nothing ran. */
  async #trimTopics(): Promise<void> {
    const { store, table, now } = this.#options;
    const { topics } = store;
    for (const { topic, groups } of await topics.stats()) {
      for (const { group } of groups) {
        if (!table.groups().has(groupKey(topic, group))) await topics.leave(topic, group, now());
      }
      const { keepForMs, keepBytes } = this.#boundsOf(topic);
      const bounds = { before: now() - keepForMs, bytes: keepBytes, limit: BATCH };
      while (!this.#closed.signal.aborted && (await topics.trim(topic, bounds)) === BATCH);
    }
  }

  async #cancelOrphans(): Promise<void> {
    const { store, limits, now } = this.#options;
    const acceptedUntil = now() - limits.topicAgeMs;
    for (const queue of this.#orphans) {
      const query = { queue, states: ["waiting"], acceptedUntil, limit: BATCH } as const;
      for (const { id } of await store.calls.list(query)) await store.calls.cancel(id, now());
    }
  }

  #boundsOf(topic: string): { readonly keepForMs: number; readonly keepBytes: number } {
    const { table, limits } = this.#options;
    const { keepFor, keepBytes } = table.topic(topic) ?? {};
    return {
      keepForMs: keepFor === undefined ? limits.topicAgeMs : parseDurationMs(keepFor)!,
      keepBytes: keepBytes === undefined ? limits.topicBytes : parseBytes(keepBytes)!,
    };
  }
}
