/** What topics have. */
import type { StoredEvent, TopicStats } from "../../topics.ts";
import { read, type Work } from "../work.ts";
import { eventOf } from "./event-rows.ts";

export function* readEvents(topic: string, after: number, limit: number): Work<readonly StoredEvent[]> {
  const rows = yield read(
    "SELECT * FROM events WHERE topic = $1 AND position > $2 ORDER BY position LIMIT $3",
    topic,
    after,
    limit,
  );
  return rows.map(eventOf);
}

export function* positionAt(topic: string, time: number): Work<number> {
  const [next] = yield read(
    `SELECT position FROM events WHERE topic = $1 AND published_at >= $2
     ORDER BY published_at, position LIMIT 1`,
    topic,
    time,
  );
  return next ? Number(next.position) - 1 : yield* endOf(topic);
}

/** The position of the last event; 0 without one. */
export function* endOf(topic: string): Work<number> {
  const [log] = yield read("SELECT last_position FROM topics WHERE topic = $1", topic);
  return Number(log?.last_position ?? 0);
}

export function* topicStats(): Work<readonly TopicStats[]> {
  const logs = yield read(
    `SELECT t.*, e.published_at AS oldest_at FROM topics t
     LEFT JOIN events e ON e.topic = t.topic AND e.position = t.first_position ORDER BY t.topic`,
  );
  const places = yield read("SELECT * FROM places WHERE removed_at IS NULL ORDER BY topic, group_name");
  const byTopic = Map.groupBy(places, ({ topic }) => topic);
  return logs.map((log) => {
    const end = Number(log.last_position);
    const events = end - Number(log.first_position) + 1;
    return {
      topic: log.topic as string,
      published: end,
      end,
      events,
      bytes: Number(log.bytes),
      ...(log.oldest_at !== null && { oldestAt: Number(log.oldest_at) }),
      groups: (byTopic.get(log.topic) ?? []).map((place) => {
        const position = Number(place.position);
        const lag = Math.min(Math.max(end - position, 0), events);
        return { group: place.group_name as string, position, lag };
      }),
    };
  });
}
