import type { NewEvent } from "../../event.ts";
import type { Delivery, NewPlace, Published, Topics } from "../../topics.ts";
import { Batches } from "../batches.ts";
import type { RunWork } from "../works.ts";

/** Most publishes of one transaction. */
const MOST = 256;

interface Publish {
  readonly events: readonly NewEvent[];
  readonly now: number;
}

/** Topics in a database. Publishes that come together share a transaction. */
export class SqlTopics implements Topics {
  readonly #run: RunWork;
  readonly #shard: number;
  readonly #publishes: Batches<Publish, readonly Published[]>;

  /** @param shard the row in which this program counts calls */
  constructor(run: RunWork, shard: number) {
    this.#run = run;
    this.#shard = shard;
    // The row of a topic is locked until the commit: more lanes would wait for each other.
    this.#publishes = new Batches({ run: (items) => this.#publishAll(items), lanes: 1, most: MOST });
  }

  async publish(events: readonly NewEvent[], now: number): Promise<readonly Published[]> {
    return events.length === 0 ? [] : await this.#publishes.add({ events, now });
  }

  read(topic: string, after: number, limit: number) {
    return this.#run("readEvents", topic, after, limit);
  }

  positionAt(topic: string, time: number) {
    return this.#run("positionAt", topic, time);
  }

  place(topic: string, group: string) {
    return this.#run("place", topic, group);
  }

  join(place: NewPlace) {
    return this.#run("joinTopic", place);
  }

  move(topic: string, group: string, position: number) {
    return this.#run("movePlace", topic, group, position);
  }

  leave(topic: string, group: string, now: number) {
    return this.#run("leaveTopic", topic, group, now);
  }

  deliver(delivery: Delivery) {
    return this.#run("deliver", delivery, this.#shard);
  }

  async replies(waiters: readonly string[]) {
    return waiters.length === 0 ? new Map<string, never>() : await this.#run("repliesTo", waiters);
  }

  stats() {
    return this.#run("topicStats");
  }

  trim(topic: string, bounds: Parameters<Topics["trim"]>[1]) {
    return this.#run("trimTopic", topic, bounds);
  }

  async remove(topic: string): Promise<void> {
    let isMore = true;
    while (isMore) isMore = await this.#run("removeTopic", topic);
  }

  async #publishAll(items: readonly Publish[]): Promise<(readonly Published[])[]> {
    const now = Math.max(...items.map((item) => item.now));
    const published = await this.#run(
      "publish",
      items.flatMap(({ events }) => events),
      now,
    );
    let at = 0;
    return items.map(({ events }) => {
      at += events.length;
      return published.slice(at - events.length, at);
    });
  }
}
