/** Events that are appended to their topics. */
import type { NewEvent } from "../../event.ts";
import type { Published } from "../../topics.ts";
import { keepBodies } from "../bodies/refs.ts";
import { insertAll, sql, type Work } from "../work.ts";
import { newIds } from "./event-ids.ts";
import { eventBytes, eventValues } from "./event-rows.ts";

interface Entry {
  readonly event: NewEvent;
  /** Its place among all events of the batch. */
  readonly index: number;
}

/** Appends events to their topics. The outcomes are in their order. */
export function* insertEvents(events: readonly NewEvent[], now: number): Work<readonly Published[]> {
  const byTopic = Map.groupBy(
    events.map((event, index): Entry => ({ event, index })),
    ({ event }) => event.topic,
  );
  const published: Published[] = new Array(events.length);
  // In one order everywhere, so that two transactions never wait for each other.
  for (const topic of [...byTopic.keys()].sort()) {
    const entries = byTopic.get(topic)!;
    const outcomes = yield* append(topic, entries, now);
    for (const [place, { index }] of entries.entries()) published[index] = outcomes[place]!;
  }
  return published;
}

/** The row of the topic is locked until the commit, so a position never becomes visible after a higher one. */
function* append(topic: string, entries: readonly Entry[], now: number): Work<readonly Published[]> {
  const [log] = yield sql(
    `INSERT INTO topics VALUES ($1, 0, $2, 1, 0) ON CONFLICT (topic) DO UPDATE SET last_at =
       CASE WHEN topics.last_at > excluded.last_at THEN topics.last_at ELSE excluded.last_at END
     RETURNING last_position, last_at`,
    topic,
    now,
  );
  const publishedAt = Number(log!.last_at);
  const end = Number(log!.last_position);
  const published = yield* newIds(
    { topic, after: end, now },
    entries.map(({ event }) => event),
  );
  const rows = entries.flatMap(({ event }, place) => {
    const { isNew, position } = published[place]!;
    return isNew ? [{ ...event, position, publishedAt, bytes: eventBytes(event) }] : [];
  });
  if (rows.length === 0) return published;
  yield* keepBodies(rows.map(({ data }) => data));
  yield* insertAll("events", rows.map(eventValues), "");
  yield sql(
    "UPDATE topics SET last_position = $2, bytes = bytes + $3 WHERE topic = $1",
    topic,
    end + rows.length,
    rows.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  return published;
}
