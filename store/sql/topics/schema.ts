import type { Migration } from "../dialect.ts";

/**
 * Events have numbers without gaps, from `first_position` to `last_position` of their topic. `published_at` never decreases
 * with them, so that a time is a place in the log. A place that was removed has `removed_at`.
 */
export const TOPICS: Migration = ({ text, integer, bytes, end }) => `
  CREATE TABLE topics (
    topic ${text} PRIMARY KEY, last_position ${integer} NOT NULL, last_at ${integer} NOT NULL,
    first_position ${integer} NOT NULL, bytes ${integer} NOT NULL
  ) ${end};
  CREATE TABLE events (
    topic ${text} NOT NULL, position ${integer} NOT NULL, published_at ${integer} NOT NULL, bytes ${integer} NOT NULL,
    id ${text} NOT NULL, source ${text} NOT NULL, type ${text} NOT NULL, attributes ${text} NOT NULL,
    body ${bytes}, body_id ${text}, body_bytes ${integer} NOT NULL, http ${text},
    waiter ${text}, waiter_until ${integer}, is_deduplicated ${integer} NOT NULL,
    PRIMARY KEY (topic, position)
  ) ${end};
  CREATE INDEX events_published_at ON events (topic, published_at, position);
  CREATE TABLE event_ids (
    topic ${text} NOT NULL, source ${text} NOT NULL, id ${text} NOT NULL, position ${integer} NOT NULL,
    seen_at ${integer} NOT NULL,
    PRIMARY KEY (topic, source, id)
  ) ${end};
  CREATE INDEX event_ids_seen_at ON event_ids (seen_at);
  CREATE TABLE places (
    topic ${text} NOT NULL, group_name ${text} NOT NULL, position ${integer} NOT NULL, removed_at ${integer},
    PRIMARY KEY (topic, group_name)
  ) ${end};
  CREATE TABLE replies (
    waiter ${text} NOT NULL, group_name ${text} NOT NULL, replied_at ${integer} NOT NULL, status ${integer},
    headers ${text}, body ${bytes}, body_id ${text}, body_bytes ${integer}, is_cut ${integer}, error ${text},
    PRIMARY KEY (waiter, group_name)
  ) ${end};
  CREATE INDEX replies_replied_at ON replies (replied_at);`;
