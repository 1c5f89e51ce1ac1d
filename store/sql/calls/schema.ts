import type { Migration } from "../dialect.ts";

/** Columns of calls that live and of ended ones, with the same meaning. */
const shared = ({ text, integer, bytes }: Parameters<Migration>[0]) => `
  id ${text} NOT NULL, queue ${text} NOT NULL, priority ${integer} NOT NULL, due_at ${integer} NOT NULL,
  order_key ${text} NOT NULL, accepted_at ${integer} NOT NULL, "function" ${text} NOT NULL,
  origin_kind ${text} NOT NULL, origin_name ${text} NOT NULL, key_id ${text} NOT NULL, keeps_record ${integer} NOT NULL,
  spec ${text} NOT NULL, body ${bytes}, body_id ${text}, body_bytes ${integer} NOT NULL,
  epoch ${integer} NOT NULL, attempts ${integer} NOT NULL, attempts_list ${text} NOT NULL, round_attempts ${integer} NOT NULL,
  round_at ${integer} NOT NULL`;

/**
 * Live calls are `ready` (for any worker), `delayed` (until due_at), `blocked` (by an earlier call of their order key) or
 * `running`. `seq` is the order of their acceptance. Of each order key the call with the lowest `seq` alone is not blocked.
 * `spec` is JSON of what nobody searches for.
 *
 * Programs count in rows of their own (`shard`), so that they do not wait for each other's commit.
 */
export const CALLS: Migration = (dialect) => {
  const { text, integer, bytes, id, end, busyEnd } = dialect;
  return `
  CREATE TABLE calls (
    seq ${id}, state ${text} NOT NULL, owner ${text}, started_at ${integer}, ${shared(dialect)}
  ) ${busyEnd};
  CREATE UNIQUE INDEX calls_id ON calls (id);
  CREATE INDEX calls_ready ON calls (queue, priority DESC, due_at, seq) WHERE state = 'ready';
  CREATE INDEX calls_delayed ON calls (due_at, queue) WHERE state = 'delayed';
  CREATE INDEX calls_blocked ON calls (queue) WHERE state = 'blocked';
  CREATE INDEX calls_running ON calls (owner, queue) WHERE state = 'running';
  CREATE INDEX calls_order ON calls (queue, order_key, seq) WHERE order_key <> '';
  CREATE INDEX calls_origin ON calls (origin_kind, origin_name, id) WHERE origin_name <> '';
  CREATE TABLE ended_calls (
    ${shared(dialect)}, state ${text} NOT NULL, ended_at ${integer} NOT NULL, reason ${text},
    answer ${text}, answer_body ${bytes}, answer_body_id ${text}, answer_body_bytes ${integer},
    PRIMARY KEY (id)
  ) ${end};
  CREATE INDEX ended_calls_function ON ended_calls ("function", id);
  CREATE INDEX ended_calls_dead ON ended_calls ("function", id) WHERE state = 'dead';
  CREATE INDEX ended_calls_origin ON ended_calls (origin_kind, origin_name, id) WHERE origin_name <> '';
  CREATE INDEX ended_calls_key ON ended_calls (key_id, id) WHERE key_id <> '';
  CREATE INDEX ended_calls_ended_at ON ended_calls (ended_at);
  CREATE TABLE call_keys (
    scope ${text} NOT NULL, "key" ${text} NOT NULL, fingerprint ${text} NOT NULL, call ${text} NOT NULL,
    at ${integer} NOT NULL, PRIMARY KEY (scope, "key")
  ) ${end};
  CREATE INDEX call_keys_at ON call_keys (at);
  CREATE TABLE call_totals (
    queue ${text} NOT NULL, shard ${integer} NOT NULL, accepted ${integer} NOT NULL, done ${integer} NOT NULL,
    dead ${integer} NOT NULL, cancelled ${integer} NOT NULL, attempts ${integer} NOT NULL, PRIMARY KEY (queue, shard)
  ) ${busyEnd};
  CREATE TABLE call_workers (
    owner ${text} PRIMARY KEY, beat_at ${integer} NOT NULL, is_lost ${integer} NOT NULL
  ) ${busyEnd};
  CREATE TABLE bodies (
    id ${text} PRIMARY KEY, bytes ${integer} NOT NULL, refs ${integer} NOT NULL, written_at ${integer} NOT NULL
  ) ${end};
  CREATE INDEX bodies_unused ON bodies (written_at) WHERE refs = 0;
  ${
    dialect.hasLogs
      ? `CREATE TABLE body_parts (
    body ${text} NOT NULL, part ${integer} NOT NULL, bytes ${bytes} NOT NULL, PRIMARY KEY (body, part)
  ) ${end};
  ALTER TABLE body_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;`
      : ""
  }`;
};
