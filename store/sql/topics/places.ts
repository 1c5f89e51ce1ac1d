/** How far each group is. */
import type { Delivery, NewPlace, Place } from "../../topics.ts";
import { insertCalls } from "../calls/insert.ts";
import { read, sql, type Work } from "../work.ts";
import { endOf, positionAt } from "./read.ts";

/**
 * Programs learn at different times that a subscription was removed and created again, so for so long its place comes back
 * as it was, whatever the new one says.
 */
const SAME_PLACE_MS = 60_000;

export function* place(topic: string, group: string): Work<Place | undefined> {
  const text = "SELECT position FROM places WHERE topic = $1 AND group_name = $2 AND removed_at IS NULL";
  const [row] = yield read(text, topic, group);
  return row && { topic, group, position: Number(row.position) };
}

export function* joinTopic({ topic, group, from, now }: NewPlace): Work<Place> {
  yield sql("INSERT INTO topics VALUES ($1, 0, $2, 1, 0) ON CONFLICT (topic) DO NOTHING", topic, now);
  const [back] = yield sql(
    `UPDATE places SET removed_at = NULL WHERE topic = $1 AND group_name = $2
       AND (removed_at IS NULL OR removed_at > $3) RETURNING position`,
    topic,
    group,
    from === "resume" ? -1 : now - SAME_PLACE_MS,
  );
  if (back) return { topic, group, position: Number(back.position) };
  const position = yield* beginning(topic, from);
  const [row] = yield sql(
    `INSERT INTO places VALUES ($1, $2, $3, NULL) ON CONFLICT (topic, group_name) DO UPDATE SET
       position = CASE WHEN places.removed_at IS NULL THEN places.position ELSE excluded.position END,
       removed_at = NULL
     RETURNING position`,
    topic,
    group,
    position,
  );
  return { topic, group, position: Number(row!.position) };
}

function* beginning(topic: string, from: NewPlace["from"]): Work<number> {
  if (from === "earliest") return 0;
  return typeof from === "object" ? yield* positionAt(topic, from.time) : yield* endOf(topic);
}

export function* movePlace(topic: string, group: string, position: number): Work<boolean> {
  const rows = yield sql(
    `UPDATE places SET position = $3 WHERE topic = $1 AND group_name = $2 AND removed_at IS NULL
     RETURNING position`,
    topic,
    group,
    position,
  );
  return rows.length > 0;
}

export function* leaveTopic(topic: string, group: string, now: number): Work<void> {
  const text =
    "UPDATE places SET removed_at = $3 WHERE topic = $1 AND group_name = $2 AND removed_at IS NULL";
  yield sql(text, topic, group, now);
}

/** @param shard where the program counts (calls/totals.ts) */
export function* deliver({ calls, now, ...move }: Delivery, shard: number): Work<boolean> {
  const { topic, group, from, to } = move;
  const moved = yield sql(
    `UPDATE places SET position = $4 WHERE topic = $1 AND group_name = $2 AND position = $3
       AND removed_at IS NULL RETURNING position`,
    topic,
    group,
    from,
    to,
  );
  if (moved.length === 0) return false;
  yield* insertCalls(calls, { now, shard });
  return true;
}
