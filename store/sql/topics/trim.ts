/** Events that are removed, in batches that hold no lock for long. */
import type { Topics } from "../../topics.ts";
import { dropBodyIds } from "../bodies/refs.ts";
import { type Row, sql, type Work } from "../work.ts";
import { SAME_EVENT_MS } from "./event-ids.ts";
import { removeOldReplies } from "./replies.ts";

type Bounds = Parameters<Topics["trim"]>[1];

const ROWS_AT_ONCE = 1_000;
/** Nobody waits longer for a reply. */
const REPLIES_MS = 3_600_000;

/** Removes the oldest events of a topic beyond its bounds, and places that were removed before the oldest kept event. */
export function* trimTopic(topic: string, bounds: Bounds): Work<number> {
  const log = yield* lockTopic(topic);
  if (!log) return 0;
  const places = "DELETE FROM places WHERE topic = $1 AND removed_at < $2";
  yield sql(places, topic, bounds.before);
  const oldest = yield sql(
    "SELECT published_at, bytes FROM events WHERE topic = $1 ORDER BY position LIMIT $2",
    topic,
    bounds.limit,
  );
  let excess = Number(log.bytes) - bounds.bytes;
  let count = 0;
  for (const { published_at, bytes } of oldest) {
    if (excess <= 0 && Number(published_at) >= bounds.before) break;
    excess -= Number(bytes);
    count++;
  }
  yield* removeFirst(log, count);
  return count;
}

/** Removes a batch of a topic, and the topic with the last one. Returns whether more is left. */
export function* removeTopic(topic: string): Work<boolean> {
  yield sql("DELETE FROM places WHERE topic = $1", topic);
  // A topic that is created again begins anew for those who wait for its events.
  yield sql("UPDATE wait_positions SET position = 0 WHERE topic = $1 AND position <> 0", topic);
  const log = yield* lockTopic(topic);
  if (!log) return yield* removeIds(topic);
  const events = Number(log.last_position) - Number(log.first_position) + 1;
  yield* removeFirst(log, Math.min(events, ROWS_AT_ONCE));
  if (events > ROWS_AT_ONCE) return true;
  yield sql("DELETE FROM topics WHERE topic = $1", topic);
  return yield* removeIds(topic);
}

function* lockTopic(topic: string): Work<Row | undefined> {
  const [log] = yield sql("UPDATE topics SET bytes = bytes WHERE topic = $1 RETURNING *", topic);
  return log;
}

/** Removes the first events of a topic whose row is locked. */
function* removeFirst(log: Row, count: number): Work<void> {
  if (count === 0) return;
  const first = Number(log.first_position) + count;
  const removed = yield sql(
    "DELETE FROM events WHERE topic = $1 AND position < $2 RETURNING bytes, body_id",
    log.topic as string,
    first,
  );
  yield* dropBodyIds(removed.map(({ body_id }) => body_id));
  yield sql(
    "UPDATE topics SET first_position = $2, bytes = bytes - $3 WHERE topic = $1",
    log.topic as string,
    first,
    removed.reduce((sum, { bytes }) => sum + Number(bytes), 0),
  );
}

/** Without its ids, a topic that is created again takes every event. */
function* removeIds(topic: string): Work<boolean> {
  const removed = yield sql(
    `DELETE FROM event_ids WHERE topic = $1 AND (source, id) IN
       (SELECT source, id FROM event_ids WHERE topic = $1 LIMIT ${ROWS_AT_ONCE}) RETURNING 1 AS removed`,
    topic,
  );
  return removed.length === ROWS_AT_ONCE;
}

/** Removes a batch of what events leave. Returns whether more is left. */
export function* removeOldOfTopics(now: number): Work<boolean> {
  const ids = yield sql(
    `DELETE FROM event_ids WHERE (topic, source, id) IN
       (SELECT topic, source, id FROM event_ids WHERE seen_at < $1 ORDER BY seen_at LIMIT ${ROWS_AT_ONCE})
     RETURNING 1 AS removed`,
    now - SAME_EVENT_MS,
  );
  const moreReplies = yield* removeOldReplies(now - REPLIES_MS, ROWS_AT_ONCE);
  return ids.length === ROWS_AT_ONCE || moreReplies;
}
