import { setTimeout as pause } from "node:timers/promises";
import type { Limits } from "../../platform/limits.ts";
import { parseBytes, parseDurationMs } from "../../platform/quantity.ts";
import type { Topics } from "../../store/topics.ts";
import { groupKey } from "./delivery/groups.ts";
import type { Orphans } from "./delivery/orphans.ts";
import type { TopicTable } from "./topic-table.ts";

const EVERY_MS = 60_000;
const RETRY_MS = 5_000;
/** Events that are removed in one transaction. */
const BATCH = 500;

export interface HousekeepingOptions {
  readonly topics: Pick<Topics, "stats" | "trim" | "leave">;
  readonly table: TopicTable;
  readonly orphans: Orphans;
  /** Reports whether the table is what is declared now. Nothing is removed by an older one. */
  readonly isCurrent: () => Promise<boolean>;
  readonly limits: Limits;
  readonly now: () => number;
  readonly print: (line: string) => void;
}

/** Removes what topics keep no longer. Any number of programs may do so. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #closed = new AbortController();
  #lastError = "";
  #running: Promise<void> | undefined;
  /** Ends the wait for the next round. */
  #waiting = new AbortController();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  /** Resolves after the first round, whatever became of it. */
  async start(): Promise<void> {
    const isDone = await this.#round();
    this.#running = this.#goOn(isDone ? EVERY_MS : RETRY_MS);
  }

  /** Begins the next round now. */
  wake(): void {
    this.#waiting.abort();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  async #goOn(firstMs: number): Promise<void> {
    let waitMs = firstMs;
    while (!this.#closed.signal.aborted) {
      const signal = AbortSignal.any([this.#closed.signal, this.#waiting.signal]);
      await pause(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      this.#waiting = new AbortController();
      if (!this.#closed.signal.aborted) waitMs = (await this.#round()) ? EVERY_MS : RETRY_MS;
    }
  }

  async #round(): Promise<boolean> {
    const { isCurrent, orphans, print } = this.#options;
    try {
      if (!(await isCurrent())) return false;
      await orphans.tidy();
      await this.#trimTopics();
      this.#lastError = "";
      return true;
    } catch (error) {
      const { message } = error as Error;
      if (!this.#closed.signal.aborted && message !== this.#lastError)
        print(`topics are tidied later: ${message}`);
      this.#lastError = message;
      return false;
    }
  }

  /** Also leaves places whose removal could not be stored, or happened while nothing ran. */
  async #trimTopics(): Promise<void> {
    const { topics, table, now } = this.#options;
    for (const { topic, groups } of await topics.stats()) {
      for (const { group } of groups) {
        // Any place may be that of a subscription whose spec is not valid.
        const isLeft = table.unclearSubscriptions().size === 0 && !table.groups().has(groupKey(topic, group));
        if (isLeft) await topics.leave(topic, group, now());
      }
      if (table.isUnclear(topic)) continue;
      const bounds = { ...this.#boundsOf(topic), limit: BATCH };
      while (!this.#closed.signal.aborted && (await topics.trim(topic, bounds)) === BATCH);
    }
  }

  #boundsOf(topic: string): { readonly before: number; readonly bytes: number } {
    const { table, limits, now } = this.#options;
    const { keepFor, keepBytes } = table.topic(topic) ?? {};
    const keepMs = keepFor === undefined ? limits.topicAgeMs : parseDurationMs(keepFor)!;
    return {
      before: now() - keepMs,
      bytes: keepBytes === undefined ? limits.topicBytes : parseBytes(keepBytes)!,
    };
  }
}
