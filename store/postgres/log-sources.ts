/** Lines that several programs may read from the same source, such as the log of a pod. */
import type { LogLine } from "../../platform/platform.ts";
import { sql, type Work } from "../sql/work.ts";
import { appendLines } from "./log-chunks.ts";

const REMOVED_AT_ONCE = 500;

/** A line with a stamp that grows within its source. */
export interface StampedLine extends LogLine {
  readonly stamp: string;
}

export interface LogSource {
  /** The function. */
  readonly name: string;
  /** Names the source for good. */
  readonly source: string;
}

/** Appends the lines after the last one of the source, in the same transaction as their stamp. */
export function* appendFrom(
  { name, source }: LogSource,
  lines: readonly StampedLine[],
  { at, mostBytes }: { readonly at: Date; readonly mostBytes: number },
): Work<void> {
  // Locks the row of the source until the commit.
  const [row] = yield sql(
    `INSERT INTO log_sources VALUES ($1, '', $2) ON CONFLICT (source) DO UPDATE SET seen_at = excluded.seen_at
     RETURNING stamp`,
    source,
    at.getTime(),
  );
  const fresh = lines.filter(({ stamp }) => stamp > (row!.stamp as string));
  const last = fresh.at(-1);
  if (last === undefined) return;
  yield sql("UPDATE log_sources SET stamp = $2 WHERE source = $1", source, last.stamp);
  const plain = fresh.map(({ stamp, ...line }): LogLine => line);
  yield* appendLines(name, plain, mostBytes);
}

/** Returns the stamp of the last line of a source; undefined if there is none. */
export function* lastStamp(source: string): Work<string | undefined> {
  const [row] = yield sql("SELECT stamp FROM log_sources WHERE source = $1", source);
  return (row?.stamp as string | undefined) || undefined;
}

/** Removes a batch of sources without a line since `before`. Returns whether more may be left. */
export function* removeOldSources(before: Date): Work<boolean> {
  const removed = yield sql(
    `DELETE FROM log_sources WHERE source IN (
       SELECT source FROM log_sources WHERE seen_at < $1 ORDER BY seen_at LIMIT ${REMOVED_AT_ONCE}
     ) RETURNING source`,
    before.getTime(),
  );
  return removed.length > 0;
}
