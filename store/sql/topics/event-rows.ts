import type { NewEvent } from "../../event.ts";
import type { StoredEvent } from "../../topics.ts";
import { bodyOf, bodyValues } from "../body-columns.ts";
import type { Row, Value } from "../work.ts";

/** Bytes that an event counts for the bounds of its topic. */
export function eventBytes({ id, source, type, attributes, data, http }: NewEvent): number {
  const body = "inline" in data ? data.inline.byteLength : data.bytes;
  const head = JSON.stringify(attributes).length + id.length + source.length + type.length;
  return body + head + (http ? JSON.stringify(http).length : 0);
}

/** The values of a row of `events`, in the order of its columns. */
export function eventValues({ bytes, ...event }: StoredEvent & { readonly bytes: number }): readonly Value[] {
  const { topic, position, publishedAt, id, source, type, attributes, data, http, waiter } = event;
  return [
    topic,
    position,
    publishedAt,
    bytes,
    id,
    source,
    type,
    JSON.stringify(attributes),
    ...bodyValues(data),
    http ? JSON.stringify(http) : null,
    waiter?.id ?? null,
    waiter?.until ?? null,
    event.isDeduplicated ? 1 : 0,
  ];
}

export function eventOf(row: Row): StoredEvent {
  return {
    topic: row.topic as string,
    position: Number(row.position),
    publishedAt: Number(row.published_at),
    id: row.id as string,
    source: row.source as string,
    type: row.type as string,
    attributes: JSON.parse(row.attributes as string),
    data: bodyOf(row),
    ...(row.http !== null && { http: JSON.parse(row.http as string) }),
    ...(row.waiter !== null && { waiter: { id: row.waiter as string, until: Number(row.waiter_until) } }),
    isDeduplicated: Number(row.is_deduplicated) === 1,
  };
}
