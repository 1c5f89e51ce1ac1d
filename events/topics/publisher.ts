import { loadBody } from "../../calling/stored-bodies.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Bodies } from "../../store/bodies.ts";
import type { Answer } from "../../store/call.ts";
import type { NewEvent } from "../../store/event.ts";
import type { Published, Topics } from "../../store/topics.ts";
import { mayReply, pausedRepliers } from "./delivery/groups.ts";
import type { Pump } from "./delivery/pump.ts";
import type { Waiters } from "./replies/waiters.ts";
import { noReply, noSubscriber, replyFailed, replyTimeout } from "./topic-problems.ts";
import type { TopicTable } from "./topic-table.ts";

export interface PublisherOptions {
  readonly topics: Pick<Topics, "publish">;
  readonly bodies: Pick<Bodies, "read">;
  readonly table: TopicTable;
  readonly pump: Pick<Pump, "joined">;
  readonly waiters: Waiters;
  readonly limits: Pick<Limits, "resultBytes">;
  readonly now: () => number;
  readonly newId: () => string;
}

export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Every status of an answer is a reply. */
  readonly isGateway: boolean;
}

/** Publishes events, and waits for replies to them. */
export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Stores events of one topic, all or none. Durable when it resolves.
   * @throws Problem `store_unavailable`, `draining`
   */
  async publish(events: readonly NewEvent[]): Promise<readonly Published[]> {
    const { topics, pump, now } = this.#options;
    // A subscription of which this program knows gets the event.
    await pump.joined(events[0]!.topic);
    return topics.publish(events, now());
  }

  /**
   * Publishes an event and returns the reply of a subscriber.
   * @throws Problem `no_subscriber`, `no_reply`, `reply_failed`, `reply_timeout`, `store_unavailable`, `draining`; the
   * signal's reason
   */
  async ask(event: NewEvent, { timeoutMs, signal, isGateway }: AskOptions): Promise<Answer> {
    const { table, waiters, limits, now, newId, bodies } = this.#options;
    const { topic } = event;
    const all = table.groupsOf(topic);
    const groups = all.filter((group) => mayReply(group, event));
    if (groups.length === 0) {
      throw noSubscriber(
        topic,
        all.flatMap((group) => pausedRepliers(group, event)),
      );
    }
    const id = newId();
    const published = new AbortController();
    const { resultBytes } = limits;
    const rules = { groups: groups.map(({ name }) => name), isGateway, resultBytes };
    const waiting = waiters.wait(id, {
      ...rules,
      timeoutMs,
      signal: AbortSignal.any([signal, published.signal]),
    });
    // It may fail before anybody looks.
    waiting.catch(() => undefined);
    try {
      const waiter = { id, until: now() + timeoutMs };
      await this.publish([{ ...event, waiter, isDeduplicated: false }]);
    } catch (error) {
      published.abort(error);
      throw error;
    }
    const outcome = await waiting;
    if (outcome === undefined) throw replyTimeout(topic, timeoutMs);
    if (outcome === "none") throw noReply(topic);
    if (!("failed" in outcome)) return outcome.answer;
    const { failed, answer } = outcome;
    if (answer === undefined) throw replyFailed(failed);
    const text = answer.isCut
      ? ""
      : Buffer.from(await loadBody(bodies, answer.body)).toString("utf8", 0, 1_000);
    throw replyFailed(failed, { status: answer.status, text });
  }
}
