import type { NewCall } from "../../../store/call.ts";
import type { Reply } from "../../../store/calls.ts";
import type { NewEvent } from "../../../store/event.ts";
import type { Delivery, NewPlace, Place, StoredEvent, Topics } from "../../../store/topics.ts";

interface MemoryPlace {
  readonly topic: string;
  readonly group: string;
  position: number;
  removedAt: number | undefined;
}

/** Topics in memory, for tests of what uses them. */
export class MemoryTopics implements Topics {
  /** What `deliver` stored. */
  readonly delivered: NewCall[] = [];
  readonly waiting = new Map<string, Reply[]>();
  /** While it is set every method throws it. */
  fault: Error | undefined;
  readonly #events = new Map<string, StoredEvent[]>();
  readonly #places = new Map<string, MemoryPlace>();

  async publish(events: readonly NewEvent[], now: number) {
    this.#check();
    return events.map((event) => {
      const log = this.#log(event.topic);
      const same = log.find(({ id, source }) => id === event.id && source === event.source);
      if (event.isDeduplicated && same !== undefined) return { position: same.position, isNew: false };
      const position = log.length + 1;
      log.push({ ...event, position, publishedAt: now });
      return { position, isNew: true };
    });
  }

  async read(topic: string, after: number, limit: number) {
    this.#check();
    return this.#log(topic).slice(after, after + limit);
  }

  async positionAt(topic: string, time: number) {
    return this.#log(topic).filter(({ publishedAt }) => publishedAt < time).length;
  }

  async place(topic: string, group: string): Promise<Place | undefined> {
    this.#check();
    const place = this.#places.get(`${topic}/${group}`);
    return place?.removedAt === undefined ? place && { ...place } : undefined;
  }

  async join({ topic, group, from }: NewPlace): Promise<Place> {
    this.#check();
    const key = `${topic}/${group}`;
    const end = this.#log(topic).length;
    const position =
      from === "earliest" ? 0 : typeof from === "string" ? end : await this.positionAt(topic, from.time);
    const place = this.#places.get(key) ?? { topic, group, position, removedAt: undefined };
    place.removedAt = undefined;
    this.#places.set(key, place);
    return { ...place };
  }

  async move(topic: string, group: string, position: number) {
    const place = this.#places.get(`${topic}/${group}`);
    if (place === undefined) return false;
    place.position = position;
    return true;
  }

  async leave(topic: string, group: string, now: number) {
    this.#check();
    const place = this.#places.get(`${topic}/${group}`);
    if (place !== undefined) place.removedAt ??= now;
  }

  async deliver({ topic, group, from, to, calls }: Delivery) {
    this.#check();
    const place = this.#places.get(`${topic}/${group}`);
    if (place?.position !== from || place.removedAt !== undefined) return false;
    place.position = to;
    this.delivered.push(...calls);
    return true;
  }

  async replies(waiters: readonly string[]) {
    this.#check();
    return new Map(waiters.flatMap((id) => (this.waiting.has(id) ? [[id, this.waiting.get(id)!]] : [])));
  }

  async stats() {
    this.#check();
    return [...this.#events].map(([topic, log]) => {
      const places = [...this.#places.values()].filter(
        (place) => place.topic === topic && place.removedAt === undefined,
      );
      const groups = places.map(({ group, position }) => ({ group, position, lag: log.length - position }));
      return { topic, published: log.length, end: log.length, events: log.length, bytes: 0, groups };
    });
  }

  async trim() {
    return 0;
  }

  async remove(topic: string) {
    this.#events.delete(topic);
  }

  #check(): void {
    if (this.fault !== undefined) throw this.fault;
  }

  #log(topic: string): StoredEvent[] {
    if (!this.#events.has(topic)) this.#events.set(topic, []);
    return this.#events.get(topic)!;
  }
}
