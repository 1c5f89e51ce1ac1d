/** Ids of the events of a day, so that a repeated one is found. */
import type { NewEvent } from "../../event.ts";
import type { Published } from "../../topics.ts";
import { sql, type Work, withRows } from "../work.ts";

/** For so long a repeated source and id is the same event. */
export const SAME_EVENT_MS = 86_400_000;

interface Log {
  /** Its row is locked. */
  readonly topic: string;
  /** Its last position. */
  readonly after: number;
  readonly now: number;
}

interface Id {
  readonly source: string;
  readonly id: string;
}

const keyOf = ({ source, id }: Id) => JSON.stringify([source, id]);

/** Finds out which events are new, and gives them positions without gaps. */
export function* newIds(log: Log, events: readonly NewEvent[]): Work<readonly Published[]> {
  const first = new Map<string, number>();
  for (const [index, event] of events.entries()) {
    const key = keyOf(event);
    if (event.isDeduplicated && !first.has(key)) first.set(key, index);
  }
  const asked = [...first.values()].map((index) => ({ ...events[index]!, position: log.after + index + 1 }));
  const added = yield* addIds(log, asked);
  const published: Published[] = [];
  const known = new Map<string, number>();
  let position = log.after;
  for (const [index, event] of events.entries()) {
    const key = keyOf(event);
    if (!event.isDeduplicated || (first.get(key) === index && added.has(key))) {
      published.push({ position: ++position, isNew: true });
      if (!event.isDeduplicated) continue;
      known.set(key, position);
      if (position !== log.after + index + 1) yield* setPosition(log.topic, event, position);
    } else {
      const earlier: number = known.get(key) ?? (yield* positionOf(log.topic, event));
      known.set(key, earlier);
      published.push({ position: earlier, isNew: false });
    }
  }
  return published;
}

/** Returns the keys of ids that were not there. Positions are those of a batch in which all events are new. */
function* addIds(log: Log, ids: readonly (Id & { readonly position: number })[]): Work<ReadonlySet<string>> {
  const { topic, now } = log;
  const added = yield* withRows({
    text: `INSERT INTO event_ids VALUES {rows} ON CONFLICT (topic, source, id) DO UPDATE
      SET position = excluded.position, seen_at = excluded.seen_at WHERE event_ids.seen_at < $1
      RETURNING source, id`,
    values: [now - SAME_EVENT_MS],
    rows: ids.map(({ source, id, position }) => [topic, source, id, position, now]),
  });
  return new Set(added.map((row) => keyOf({ source: row.source as string, id: row.id as string })));
}

function* setPosition(topic: string, { source, id }: Id, position: number): Work<void> {
  const text = "UPDATE event_ids SET position = $4 WHERE topic = $1 AND source = $2 AND id = $3";
  yield sql(text, topic, source, id, position);
}

function* positionOf(topic: string, { source, id }: Id): Work<number> {
  const text = "SELECT position FROM event_ids WHERE topic = $1 AND source = $2 AND id = $3";
  const [row] = yield sql(text, topic, source, id);
  return Number(row!.position);
}
