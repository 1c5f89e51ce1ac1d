/** Calls of a queue with the same order key: the first one that lives runs, the others are `blocked`. */
import { type Row, type Work, withRows } from "../work.ts";

export interface OrderKey {
  readonly queue: string;
  readonly orderKey: string;
}

/**
 * Holds the keys until the commit: a call that comes and one that ends would otherwise not see each other, and the new
 * one would stay blocked. SQLite has one transaction at a time anyway.
 */
export function* holdKeys(keys: readonly OrderKey[]): Work<void> {
  if (keys.length === 0) return;
  yield {
    text: "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest($1::text[]) AS name",
    values: [distinct(keys).map(nameOf)],
    sqlite: "",
  };
}

/** Which of the keys have a call that lives. */
export function* busyKeys(keys: readonly OrderKey[]): Work<Set<string>> {
  const rows = yield* withRows({
    text: `SELECT v.column1 AS queue, v.column2 AS order_key FROM (VALUES {rows}) AS v WHERE EXISTS (
      SELECT 1 FROM calls WHERE order_key <> '' AND queue = v.column1 AND order_key = v.column2)`,
    values: [],
    rows: distinct(keys).map(({ queue, orderKey }) => [queue, orderKey]),
    types: ["text", "text"],
  });
  return new Set(rows.map((row) => nameOf(keyOfRow(row))));
}

/** Lets the next call of each key go, after the one before it was removed. */
export function* releaseKeys(keys: readonly OrderKey[], now: number): Work<void> {
  yield* withRows({
    text: `UPDATE calls SET state = CASE WHEN due_at <= $1 THEN 'ready' ELSE 'delayed' END
      WHERE state = 'blocked' AND seq IN (
        SELECT (SELECT MIN(seq) FROM calls WHERE order_key <> '' AND queue = v.column1 AND order_key = v.column2)
        FROM (VALUES {rows}) AS v)`,
    values: [now],
    rows: distinct(keys).map(({ queue, orderKey }) => [queue, orderKey]),
    types: ["text", "text"],
  });
}

export function keysOfRows(rows: readonly Row[]): OrderKey[] {
  return rows.map(keyOfRow).filter(({ orderKey }) => orderKey !== "");
}

function keyOfRow(row: Row): OrderKey {
  return { queue: row.queue as string, orderKey: row.order_key as string };
}

/** Queues have no spaces. */
export function nameOf({ queue, orderKey }: OrderKey): string {
  return `${queue} ${orderKey}`;
}

/** Each key once, in one order everywhere. */
function distinct(keys: readonly OrderKey[]): OrderKey[] {
  return [...Map.groupBy(keys, nameOf)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, [key]]) => key!);
}
