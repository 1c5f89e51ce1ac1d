/** The lines of functions in SQL: chunks of lines of JSON. */
import type { LogLine } from "../../platform/platform.ts";
import { insertAll, type Row, sql, type Value, type Work } from "../sql/work.ts";
import type { LogQuery } from "../store.ts";

const CHUNK_BYTES = 256 * 1024;
/** Chunks of one page of a reader. */
const PAGE = 64;
/** A function may be over its bytes by this much until its oldest chunks are removed. */
const SLACK_BYTES = 4 * 1024 ** 2;
const REMOVED_AT_ONCE = 500;

export interface Chunk {
  readonly firstLine: number;
  readonly lines: readonly LogLine[];
}

interface NewChunk {
  readonly texts: string[];
  bytes: number;
  firstAt: number;
  lastAt: number;
}

export function* appendLines(name: string, lines: readonly LogLine[], mostBytes: number): Work<void> {
  const chunks = chunksOf(lines);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  // Locks the row of the function until the commit, so that lines become visible in the order of their numbers.
  const [row] = yield sql(
    `INSERT INTO log_functions VALUES ($1, $2, $3) ON CONFLICT ("function") DO UPDATE
     SET bytes = log_functions.bytes + excluded.bytes, next_line = log_functions.next_line + excluded.next_line - 1
     RETURNING bytes, next_line`,
    name,
    bytes,
    lines.length + 1,
  );
  let line = Number(row!.next_line) - lines.length;
  const rows = chunks.map(({ texts, firstAt, lastAt, ...chunk }) => {
    const first = line;
    line += texts.length;
    return [name, first, line - 1, firstAt, lastAt, chunk.bytes, texts.join("\n")];
  });
  yield* insertAll("log_chunks", rows, "");
  if (Number(row!.bytes) > mostBytes + SLACK_BYTES) yield* shrink(name, Number(row!.bytes) - mostBytes);
}

/** The number of the next line of the function. */
export function* nextLine(name: string): Work<number> {
  const [row] = yield sql(`SELECT next_line FROM log_functions WHERE "function" = $1`, name);
  return Number(row?.next_line ?? 1);
}

export interface PageQuery {
  readonly name: string;
  /** The first line of interest. */
  readonly from: number;
  /** The line after the last one of interest. */
  readonly to: number;
  readonly newestFirst?: boolean;
  /** Chunks without a match may be left out. */
  readonly query?: LogQuery;
}

/** A page of chunks; an empty one is the last. */
export function* chunkPage({ name, from, to, newestFirst = false, query = {} }: PageQuery): Work<Chunk[]> {
  const values: Value[] = [name, from, to];
  const where = [`"function" = $1`, "last_line >= $2", "first_line < $3"];
  const add = (value: Value, condition: (place: string) => string) =>
    where.push(condition(`$${values.push(value)}`));
  if (query.since) add(query.since.getTime(), (place) => `last_at >= ${place}`);
  if (query.until) add(query.until.getTime(), (place) => `first_at < ${place}`);
  if (query.call !== undefined) {
    add(containing(`"callId":${JSON.stringify(query.call)}`), (place) => `lines LIKE ${place}`);
  }
  if (query.search !== undefined && isAscii(query.search)) {
    add(containing(JSON.stringify(query.search).slice(1, -1)), (place) => `lines ILIKE ${place}`);
  }
  const order = newestFirst ? "DESC" : "ASC";
  const rows = yield {
    text: `SELECT first_line, lines FROM log_chunks WHERE ${where.join(" AND ")}
      ORDER BY last_line ${order} LIMIT ${PAGE}`,
    values,
  };
  return rows.map(chunkOf);
}

/** Functions that have lines, in order of name. */
export function* namesWithLines(): Work<string[]> {
  const rows = yield sql(`SELECT "function" FROM log_functions WHERE bytes > 0 ORDER BY "function"`);
  return rows.map((row) => row.function as string);
}

export function* forgetLines(name: string): Work<void> {
  // The row stays, so that a number never comes again.
  yield sql(`UPDATE log_functions SET bytes = 0 WHERE "function" = $1`, name);
  yield sql(`DELETE FROM log_chunks WHERE "function" = $1`, name);
}

/** Removes a batch of what is too old or too much. Returns whether more may be left. */
export function* removeOldLines(before: Date, mostBytes: number): Work<boolean> {
  const removed = yield sql(
    `DELETE FROM log_chunks WHERE ("function", last_line) IN (
       SELECT "function", last_line FROM log_chunks WHERE last_at < $1 ORDER BY last_at LIMIT ${REMOVED_AT_ONCE}
     ) RETURNING "function", bytes`,
    before.getTime(),
  );
  for (const [name, rows] of [...Map.groupBy(removed, (row) => row.function as string)].sort()) {
    yield* reduce(name, rows);
  }
  const over = yield sql(`SELECT "function", bytes FROM log_functions WHERE bytes > $1 LIMIT 1`, mostBytes);
  for (const row of over) yield* shrink(row.function as string, Number(row.bytes) - mostBytes);
  return removed.length > 0 || over.length > 0;
}

/** Removes the oldest chunks of a function until they had `bytes`. */
function* shrink(name: string, bytes: number): Work<void> {
  const removed = yield sql(
    `DELETE FROM log_chunks WHERE "function" = $1 AND last_line IN (
       SELECT last_line FROM (
         SELECT last_line, SUM(bytes) OVER (ORDER BY last_line) - bytes AS before FROM (
           SELECT last_line, bytes FROM log_chunks WHERE "function" = $1
           ORDER BY last_line LIMIT ${REMOVED_AT_ONCE}
         ) AS oldest
       ) AS summed WHERE before < $2
     ) RETURNING bytes`,
    name,
    bytes,
  );
  yield* reduce(name, removed);
}

function* reduce(name: string, removed: readonly Row[]): Work<void> {
  const bytes = removed.reduce((sum, row) => sum + Number(row.bytes), 0);
  yield sql(`UPDATE log_functions SET bytes = GREATEST(bytes - $2, 0) WHERE "function" = $1`, name, bytes);
}

function chunksOf(lines: readonly LogLine[]): NewChunk[] {
  const chunks: NewChunk[] = [];
  for (const line of lines) {
    const text = JSON.stringify({ ...line, at: line.at.getTime() });
    const bytes = Buffer.byteLength(text) + 1;
    const at = line.at.getTime();
    const last = chunks.at(-1);
    if (last && last.bytes + bytes <= CHUNK_BYTES) {
      last.texts.push(text);
      last.bytes += bytes;
      last.firstAt = Math.min(last.firstAt, at);
      last.lastAt = Math.max(last.lastAt, at);
    } else chunks.push({ texts: [text], bytes, firstAt: at, lastAt: at });
  }
  return chunks;
}

function chunkOf(row: Row): Chunk {
  const lines = (row.lines as string).split("\n").map((text) => {
    const line = JSON.parse(text) as Omit<LogLine, "at"> & { readonly at: number };
    return { ...line, at: new Date(line.at) };
  });
  return { firstLine: Number(row.first_line), lines };
}

function containing(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`;
}

/** Others have more than one way to be written in upper and lower case. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
