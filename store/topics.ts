import type { NewCall } from "./call.ts";
import type { Reply } from "./calls.ts";
import type { NewEvent } from "./event.ts";

/**
 * Topics: logs of events, and the place of each group in them. Positions of a topic grow without a commit between two of
 * them becoming visible late: whoever has read up to a position misses nothing before it. Times are milliseconds since 1970.
 */
export interface Topics {
  /** Appends events. Durable when it resolves. An event whose source and id its topic had within a day is not stored again. */
  publish(events: readonly NewEvent[], now: number): Promise<readonly Published[]>;
  /** Events after a position, oldest first. 0 is before the first one. */
  read(topic: string, after: number, limit: number): Promise<readonly StoredEvent[]>;
  /** The position after which all events are at or after `time`; that of the last event if there are none. */
  positionAt(topic: string, time: number): Promise<number>;

  /** The place of a group; undefined if it has none. */
  place(topic: string, group: string): Promise<Place | undefined>;
  /**
   * Makes the place of a group if it has none. A removed place that is still kept comes back as it was with `resume`, so
   * that between removing and creating a subscription nothing is lost; with another `from` it begins there, unless it was
   * removed less than a minute ago: programs learn of a change at different times.
   */
  join(place: NewPlace): Promise<Place>;
  /** Moves a place, to repeat events or to skip them. Deliveries that wait already stay. False if there is no place. */
  move(topic: string, group: string, position: number): Promise<boolean>;
  /** Marks the place as removed. */
  leave(topic: string, group: string, now: number): Promise<void>;
  /**
   * Moves a place from one position to another and stores the deliveries of the events between, in one transaction.
   * False if the place is elsewhere by now, or removed: nothing was stored.
   */
  deliver(delivery: Delivery): Promise<boolean>;

  /** Replies for waiters, as far as there are any. They stay for an hour. */
  replies(waiters: readonly string[]): Promise<ReadonlyMap<string, readonly Reply[]>>;

  stats(): Promise<readonly TopicStats[]>;
  /**
   * Removes the oldest events of a topic beyond its bounds, at most `limit`, and places that were removed before
   * `bounds.before`. Returns how many events.
   */
  trim(
    topic: string,
    bounds: { readonly before: number; readonly bytes: number; readonly limit: number },
  ): Promise<number>;
  /** Removes a topic with its events and places. Deliveries that wait already stay. */
  remove(topic: string): Promise<void>;
}

export interface StoredEvent extends NewEvent {
  readonly position: number;
  readonly publishedAt: number;
}

export interface Published {
  readonly position: number;
  readonly isNew: boolean;
}

export interface NewPlace {
  readonly topic: string;
  readonly group: string;
  /** Where a new place begins. `resume`: at a removed place that is kept, else at the end. */
  readonly from: "resume" | "earliest" | { readonly time: number };
  readonly now: number;
}

export interface Place {
  readonly topic: string;
  readonly group: string;
  /** All events up to it have become deliveries. */
  readonly position: number;
}

export interface Delivery {
  readonly topic: string;
  readonly group: string;
  readonly from: number;
  readonly to: number;
  /** Their `idempotency` is ignored: the move of the place makes each of them once. */
  readonly calls: readonly NewCall[];
  readonly now: number;
}

export interface TopicStats {
  readonly topic: string;
  /** Events that were ever published. */
  readonly published: number;
  /** Position of the last event. */
  readonly end: number;
  readonly events: number;
  readonly bytes: number;
  readonly oldestAt?: number | undefined;
  readonly groups: readonly {
    readonly group: string;
    readonly position: number;
    /** Events of the topic after the place. */
    readonly lag: number;
  }[];
}
