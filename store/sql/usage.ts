/** The usage ledger in SQL. */
import type {
  MonthlyCalls,
  UsageBatch,
  UsageColumn,
  UsageHour,
  UsageMinute,
  UsageQuery,
  UsageSum,
} from "../store.ts";
import { addTraced } from "./traces.ts";
import { insertAll, type Row, sql, type Value, type Work } from "./work.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Minutes are kept for this long: a day, and the hour that it began in. */
export const MINUTES_MS = 25 * HOUR_MS;

const ADD_USED = `calls = usage_hours.calls + excluded.calls, errors = usage_hours.errors + excluded.errors,
  gb_seconds = usage_hours.gb_seconds + excluded.gb_seconds, bytes_out = usage_hours.bytes_out + excluded.bytes_out`;

/** @param now when the batches arrived */
export function* addUsage(batches: readonly UsageBatch[], now: Date): Work<void> {
  for (const { source, sequence, hours, minutes, keys, traced = [] } of batches) {
    const isNew = yield sql(
      `INSERT INTO usage_sources VALUES ($1, $2, $3) ON CONFLICT (source) DO UPDATE
       SET sequence = excluded.sequence, seen_at = excluded.seen_at
       WHERE usage_sources.sequence < excluded.sequence RETURNING sequence`,
      source,
      sequence,
      now.getTime(),
    );
    if (isNew.length === 0) continue;
    yield* addHours(hours);
    yield* addMinutes(minutes);
    yield* addTraced(traced);
    yield* insertAll(
      "usage_keys",
      summed(
        keys.map(({ key, usedAt }) => ({ at: [key], sums: [usedAt.getTime()] })),
        Math.max,
      ),
      `ON CONFLICT ("key") DO UPDATE SET used_at = excluded.used_at WHERE usage_keys.used_at < excluded.used_at`,
    );
  }
}

function* addHours(hours: readonly UsageHour[]): Work<void> {
  const rows = hours.map(({ hour, version, key, calls, errors, gbSeconds, bytesOut, ...of }) => ({
    at: [floor(hour, HOUR_MS), of.function, version, key],
    sums: [calls, errors, gbSeconds, bytesOut],
  }));
  const conflict = `ON CONFLICT (hour, "function", version, "key") DO UPDATE SET ${ADD_USED}`;
  yield* insertAll("usage_hours", summed(rows), conflict);
  const months = hours.flatMap(({ hour, key, calls, ...of }) => {
    const month = monthOf(hour);
    const byFunction = { at: [month, "function", of.function], sums: [calls] };
    return key === "" ? [byFunction] : [byFunction, { at: [month, "key", key], sums: [calls] }];
  });
  yield* insertAll(
    "usage_months",
    summed(months),
    "ON CONFLICT (month, kind, name) DO UPDATE SET calls = usage_months.calls + excluded.calls",
  );
}

function* addMinutes(minutes: readonly UsageMinute[]): Work<void> {
  const place = (of: UsageMinute) => [floor(of.minute, MINUTE_MS), of.function, of.version];
  yield* insertAll(
    `usage_minutes (minute, "function", version, calls, errors, cold_starts, refused, buckets)`,
    summed(
      minutes.map((of) => ({
        at: place(of),
        sums: [of.calls, of.errors, of.coldStarts ?? 0, of.refused ?? 0],
        last: of.durations.length,
      })),
    ),
    `ON CONFLICT (minute, "function", version) DO UPDATE SET calls = usage_minutes.calls + excluded.calls,
       errors = usage_minutes.errors + excluded.errors,
       cold_starts = usage_minutes.cold_starts + excluded.cold_starts,
       refused = usage_minutes.refused + excluded.refused, buckets = excluded.buckets`,
  );
  const wakes = minutes.flatMap((of) =>
    Object.entries(of.wakeMs ?? {}).map(([name, ms]) => ({ at: [...place(of), name], sums: [ms] })),
  );
  yield* insertAll(
    "usage_wakes",
    summed(wakes),
    `ON CONFLICT (minute, "function", version, name) DO UPDATE SET ms = usage_wakes.ms + excluded.ms`,
  );
  const durations = minutes.flatMap((of) =>
    of.durations.map((calls, bucket) => ({ at: [...place(of), bucket], sums: [calls] })),
  );
  yield* insertAll(
    "usage_durations",
    summed(durations.filter(({ sums }) => sums[0] !== 0)),
    `ON CONFLICT (minute, "function", version, bucket) DO UPDATE
       SET calls = usage_durations.calls + excluded.calls`,
  );
}

export function* sumUsage(query: UsageQuery): Work<readonly UsageSum[]> {
  const values: Value[] = [floor(query.from, HOUR_MS), floor(query.to, HOUR_MS)];
  const where = ["hour >= $1", "hour < $2"];
  for (const column of ["function", "key"] as const) {
    const value = query[column];
    if (value !== undefined) where.push(`"${column}" = $${values.push(value)}`);
  }
  const limit = query.limit === undefined ? "" : ` LIMIT $${values.push(query.limit)}`;
  const columns = query.by.map((column) => `"${column}"`).join(", ");
  const rows = yield {
    text: `SELECT ${columns}${columns && ", "}COALESCE(SUM(calls), 0) AS calls, COALESCE(SUM(errors), 0) AS errors,
      COALESCE(SUM(gb_seconds), 0) AS gb_seconds, COALESCE(SUM(bytes_out), 0) AS bytes_out
      FROM usage_hours WHERE ${where.join(" AND ")}${columns && ` GROUP BY ${columns} ORDER BY ${columns}`}${limit}`,
    values,
  };
  return rows.map((row) => ({
    ...Object.fromEntries(query.by.map((column) => [column, COLUMNS[column](row)])),
    calls: Number(row.calls),
    errors: Number(row.errors),
    gbSeconds: Number(row.gb_seconds),
    bytesOut: Number(row.bytes_out),
  }));
}

const COLUMNS: Readonly<Record<UsageColumn, (row: Row) => string | number | Date>> = {
  function: (row) => row.function as string,
  key: (row) => row.key as string,
  version: (row) => Number(row.version),
  hour: (row) => new Date(Number(row.hour)),
};

export function* usageMinutes(name: string, since: Date, now: Date): Work<readonly UsageMinute[]> {
  const from = Math.max(floor(since, MINUTE_MS), now.getTime() - MINUTES_MS);
  const rows = yield sql(
    `SELECT m.minute, m.version, m.calls, m.errors, m.buckets, d.bucket, d.calls AS in_bucket
     FROM usage_minutes m LEFT JOIN usage_durations d
       ON d.minute = m.minute AND d."function" = m."function" AND d.version = m.version
     WHERE m."function" = $1 AND m.minute >= $2 ORDER BY m.minute, m.version, d.bucket`,
    name,
    from,
  );
  const minutes = Map.groupBy(rows, ({ minute, version }) => `${minute} ${version}`);
  return Array.from(minutes.values(), (buckets) => {
    const row = buckets[0]!;
    const durations = new Array<number>(Number(row.buckets)).fill(0);
    for (const { bucket, in_bucket } of buckets) {
      if (bucket !== null) durations[Number(bucket)] = Number(in_bucket);
    }
    return {
      minute: new Date(Number(row.minute)),
      function: name,
      version: Number(row.version),
      calls: Number(row.calls),
      errors: Number(row.errors),
      durations,
    };
  });
}

export function* usageMonth(at: Date): Work<MonthlyCalls> {
  const rows = yield sql("SELECT kind, name, calls FROM usage_months WHERE month = $1", monthOf(at));
  const of = (kind: string) =>
    Object.fromEntries(rows.filter((row) => row.kind === kind).map((row) => [row.name, Number(row.calls)]));
  return { functions: of("function"), keys: of("key") };
}

export function* lastUse(): Work<ReadonlyMap<string, Date>> {
  const rows = yield sql(`SELECT "key", used_at FROM usage_keys`);
  return new Map(rows.map((row) => [row.key as string, new Date(Number(row.used_at))]));
}

interface Counted {
  /** The primary key. */
  readonly at: readonly (string | number)[];
  readonly sums: readonly number[];
  /** A value that is not summed. */
  readonly last?: number;
}

/**
 * Rows with each primary key once. They are in one order everywhere, so that two transactions lock them in the same order.
 */
function summed(
  counted: readonly Counted[],
  add: (a: number, b: number) => number = (a, b) => a + b,
): Value[][] {
  const groups = Map.groupBy(counted, ({ at }) => JSON.stringify(at));
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, same]) => {
      const [{ at, sums, last }, ...others] = same as [Counted, ...Counted[]];
      const total = sums.map((first, place) =>
        others.reduce((sum, { sums }) => add(sum, sums[place]!), first),
      );
      return [...at, ...total, ...(last === undefined ? [] : [last])];
    });
}

function floor(at: Date, unitMs: number): number {
  return Math.floor(at.getTime() / unitMs) * unitMs;
}

function monthOf(at: Date): number {
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth());
}
