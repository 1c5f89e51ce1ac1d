import { CALLS } from "./calls/schema.ts";
import type { Migration } from "./dialect.ts";
import { FLOWS } from "./flows/schema.ts";
import { REPOSITORIES } from "./repositories/schema.ts";
import { TIMERS } from "./timers/schema.ts";
import { TOPICS } from "./topics/schema.ts";

/** Times are milliseconds since 1970. `function` and `key` are quoted because databases reserve such words. */
const usageAndAudit: Migration = ({ text, integer, real, id, end }) => `
  CREATE TABLE usage_sources (
    source ${text} PRIMARY KEY, sequence ${integer} NOT NULL, seen_at ${integer} NOT NULL
  ) ${end};
  CREATE TABLE usage_hours (
    hour ${integer} NOT NULL, "function" ${text} NOT NULL, version ${integer} NOT NULL, "key" ${text} NOT NULL,
    calls ${integer} NOT NULL, errors ${integer} NOT NULL, gb_seconds ${real} NOT NULL, bytes_out ${integer} NOT NULL,
    PRIMARY KEY (hour, "function", version, "key")
  ) ${end};
  CREATE TABLE usage_months (
    month ${integer} NOT NULL, kind ${text} NOT NULL, name ${text} NOT NULL, calls ${integer} NOT NULL,
    PRIMARY KEY (month, kind, name)
  ) ${end};
  CREATE TABLE usage_minutes (
    minute ${integer} NOT NULL, "function" ${text} NOT NULL, version ${integer} NOT NULL,
    calls ${integer} NOT NULL, errors ${integer} NOT NULL, buckets ${integer} NOT NULL,
    PRIMARY KEY (minute, "function", version)
  ) ${end};
  CREATE TABLE usage_durations (
    minute ${integer} NOT NULL, "function" ${text} NOT NULL, version ${integer} NOT NULL, bucket ${integer} NOT NULL,
    calls ${integer} NOT NULL,
    PRIMARY KEY (minute, "function", version, bucket)
  ) ${end};
  CREATE TABLE usage_keys ("key" ${text} PRIMARY KEY, used_at ${integer} NOT NULL) ${end};
  CREATE TABLE audit (
    id ${id}, at ${integer} NOT NULL, "by" ${text} NOT NULL, "from" ${text} NOT NULL, action ${text} NOT NULL,
    target ${text} NOT NULL, status ${integer} NOT NULL, detail ${text} NOT NULL, call_id ${text} NOT NULL
  ) ${end};
  CREATE INDEX audit_at ON audit (at);`;

/**
 * Lines in chunks of one append each, as lines of JSON, because a row for every line costs ten times as much. Lines of a
 * function have numbers without gaps, so that a reader knows how many it lost.
 */
const logs: Migration = ({ text, integer, end, hasLogs }) => {
  if (!hasLogs) return "";
  return `
    CREATE TABLE log_functions (
      "function" ${text} PRIMARY KEY, bytes ${integer} NOT NULL, next_line ${integer} NOT NULL
    ) ${end};
    CREATE TABLE log_chunks (
      "function" ${text} NOT NULL, first_line ${integer} NOT NULL, last_line ${integer} NOT NULL,
      first_at ${integer} NOT NULL, last_at ${integer} NOT NULL, bytes ${integer} NOT NULL, lines ${text} NOT NULL,
      PRIMARY KEY ("function", last_line)
    ) ${end};
    CREATE INDEX log_chunks_last_at ON log_chunks (last_at);`;
};

/** How far the lines of each pod were taken, so that managers that read the same pod write each line once. */
const logSources: Migration = ({ text, integer, end, hasLogs }) => {
  if (!hasLogs) return "";
  return `
    CREATE TABLE log_sources (
      source ${text} PRIMARY KEY, stamp ${text} NOT NULL, seen_at ${integer} NOT NULL
    ) ${end};
    CREATE INDEX log_sources_seen_at ON log_sources (seen_at);`;
};

/** A description of a function reads what happened to it, among the entries of more than a year. */
const auditOfTarget: Migration = () => "CREATE INDEX audit_target ON audit (action, target, id);";

/** What happened minute by minute besides calls, and where the time of some calls went, as JSON. */
const minutesAndTraces: Migration = ({ text, integer, real, id, end }) => `
  ALTER TABLE usage_minutes ADD COLUMN cold_starts ${integer} NOT NULL DEFAULT 0;
  ALTER TABLE usage_minutes ADD COLUMN refused ${integer} NOT NULL DEFAULT 0;
  CREATE INDEX usage_minutes_function ON usage_minutes ("function", minute);
  CREATE INDEX usage_durations_function ON usage_durations ("function", minute);
  CREATE TABLE usage_wakes (
    minute ${integer} NOT NULL, "function" ${text} NOT NULL, version ${integer} NOT NULL, name ${text} NOT NULL,
    ms ${real} NOT NULL, PRIMARY KEY (minute, "function", version, name)
  ) ${end};
  CREATE TABLE usage_samples (
    minute ${integer} NOT NULL, "function" ${text} NOT NULL, instances ${integer} NOT NULL, memory_mib ${real},
    PRIMARY KEY (minute, "function")
  ) ${end};
  CREATE TABLE call_traces (
    id ${id}, call_id ${text} NOT NULL, at ${integer} NOT NULL, trace ${text} NOT NULL
  ) ${end};
  CREATE INDEX call_traces_call_id ON call_traces (call_id);
  CREATE INDEX call_traces_at ON call_traces (at);`;

/** In order. The schema version of a database is the number of migrations that it has had. */
export const MIGRATIONS: readonly Migration[] = [
  usageAndAudit,
  logs,
  logSources,
  auditOfTarget,
  CALLS,
  TOPICS,
  TIMERS,
  FLOWS,
  minutesAndTraces,
  REPOSITORIES,
];
