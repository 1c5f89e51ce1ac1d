import type { Migration } from "../dialect.ts";

/** Columns of live runs and of ended ones, with the same meaning. */
const shared = ({ text, integer }: Parameters<Migration>[0]) => `
  id ${text} NOT NULL PRIMARY KEY, flow ${text} NOT NULL, version ${integer} NOT NULL, parent ${text} NOT NULL,
  accepted_at ${integer} NOT NULL, changed_at ${integer} NOT NULL, sequence ${integer} NOT NULL, spec ${text} NOT NULL,
  shown ${text} NOT NULL, state ${text} NOT NULL`;

/**
 * A live run without an owner that has something to do has `due_at`. Most appends change neither state nor owner, so that no index
 * changes with them. `spec` is JSON of what never changes, `shown` of what lists show. Entries are in chunks of one append each, as
 * JSON; `first` is the number of the first entry of a chunk.
 *
 * `rule` and `value` of a wait are hashes: texts of any length are found by them. `item` is -1 for a step that runs once.
 * Programs count in rows of their own (`shard`), so that they do not wait for each other's commit.
 */
export const FLOWS: Migration = (dialect) => {
  const { text, integer, id, end, busyEnd } = dialect;
  return `
  CREATE TABLE runs (
    ${shared(dialect)}, owner ${text}, claimed_at ${integer}, due_at ${integer}
  ) ${busyEnd};
  CREATE INDEX runs_due ON runs (due_at, id) WHERE due_at IS NOT NULL;
  CREATE INDEX runs_owner ON runs (owner, id) WHERE owner IS NOT NULL;
  CREATE INDEX runs_flow ON runs (flow, state, id);
  CREATE INDEX runs_active ON runs (id) WHERE state IN ('queued', 'running');
  CREATE INDEX runs_parent ON runs (parent, id) WHERE parent <> '';
  CREATE TABLE ended_runs (${shared(dialect)}, ended_at ${integer} NOT NULL) ${end};
  CREATE INDEX ended_runs_flow ON ended_runs (flow, state, id);
  CREATE INDEX ended_runs_state ON ended_runs (state, id);
  CREATE INDEX ended_runs_parent ON ended_runs (parent, id) WHERE parent <> '';
  CREATE INDEX ended_runs_ended_at ON ended_runs (ended_at);
  CREATE TABLE run_entries (
    run ${text} NOT NULL, first ${integer} NOT NULL, entries ${text} NOT NULL, PRIMARY KEY (run, first)
  ) ${end};
  CREATE TABLE run_checkpoints (
    run ${text} PRIMARY KEY, sequence ${integer} NOT NULL, state ${text} NOT NULL
  ) ${busyEnd};
  CREATE TABLE run_signals (id ${id}, run ${text} NOT NULL, signal ${text} NOT NULL) ${busyEnd};
  CREATE INDEX run_signals_run ON run_signals (run);
  CREATE TABLE run_bodies (run ${text} NOT NULL, body ${text} NOT NULL, PRIMARY KEY (run, body)) ${end};
  CREATE TABLE event_waits (
    run ${text} NOT NULL, step ${text} NOT NULL, item ${integer} NOT NULL, topic ${text} NOT NULL, type ${text},
    "by" ${text} NOT NULL, equals ${text} NOT NULL, rule ${text} NOT NULL, value ${text} NOT NULL,
    PRIMARY KEY (run, step, item)
  ) ${busyEnd};
  CREATE INDEX event_waits_rule ON event_waits (topic, rule, value);
  CREATE TABLE wait_positions (topic ${text} PRIMARY KEY, position ${integer} NOT NULL) ${busyEnd};
  CREATE TABLE engines (owner ${text} PRIMARY KEY, beat_at ${integer} NOT NULL) ${busyEnd};
  CREATE TABLE run_totals (
    flow ${text} NOT NULL, shard ${integer} NOT NULL, begun ${integer} NOT NULL, done ${integer} NOT NULL,
    failed ${integer} NOT NULL, cancelled ${integer} NOT NULL, kept ${integer} NOT NULL, PRIMARY KEY (flow, shard)
  ) ${busyEnd};
  CREATE TABLE flow_versions (
    flow ${text} NOT NULL, version ${integer} NOT NULL, text ${text} NOT NULL, hash ${text} NOT NULL,
    at ${integer} NOT NULL, "by" ${text} NOT NULL, message ${text}, PRIMARY KEY (flow, version)
  ) ${end};`;
};
