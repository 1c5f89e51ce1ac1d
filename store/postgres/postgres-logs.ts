import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "../../platform/problems.ts";
import { logFilter } from "../log-filter.ts";
import type { KeptLine, LogQuery, LogStore } from "../store.ts";
import type { Database } from "./database.ts";
import {
  appendLines,
  type Chunk,
  chunkPage,
  forgetLines,
  namesWithLines,
  nextLine,
  type PageQuery,
} from "./log-chunks.ts";
import { appendFrom, type LogSource, lastStamp, type StampedLine } from "./log-sources.ts";

/** How often a follower asks for new lines. */
const POLL_MS = 250;
/** A follower waits this long for a store that is away. */
const AWAY_MS = 60_000;

/** Lines in PostgreSQL. The id of a line is its number in its function. */
export class PostgresLogs implements LogStore {
  readonly #database: Database;
  readonly #bytes: number;

  /** @param bytes most bytes of the lines of one function */
  constructor(database: Database, bytes: number) {
    this.#database = database;
    this.#bytes = bytes;
  }

  async append(name: string, lines: readonly Omit<KeptLine, "id">[]): Promise<void> {
    if (lines.length > 0) await this.#database.run(() => appendLines(name, lines, this.#bytes));
  }

  /** Appends lines of a source in the order of their stamps, without those that it has from this source already. */
  async appendFrom(source: LogSource, lines: readonly StampedLine[]): Promise<void> {
    const options = { at: new Date(), mostBytes: this.#bytes };
    if (lines.length > 0) await this.#database.run(() => appendFrom(source, lines, options));
  }

  /** Returns the stamp of the last line of a source; undefined if there is none. */
  lastStamp(source: string): Promise<string | undefined> {
    return this.#database.run(() => lastStamp(source));
  }

  async *read(name: string, query: LogQuery): AsyncIterable<KeptLine> {
    const matches = logFilter(query);
    const to = await this.#database.run(() => nextLine(name));
    const page = { name, from: afterCursor(query), to, query };
    if (query.tail !== undefined) {
      yield* await this.#newest(page, query.tail, matches);
      return;
    }
    for await (const chunk of this.#chunks(page)) yield* linesOf(chunk, page).filter(matches);
  }

  async *follow(name: string, query: LogQuery & { readonly signal: AbortSignal }): AsyncIterable<KeptLine> {
    const { signal, tail = 0 } = query;
    const matches = logFilter(query);
    const isNew = query.after === undefined;
    let from = isNew ? await this.#database.run(() => nextLine(name)) : afterCursor(query);
    if (isNew && tail > 0) yield* await this.#newest({ name, from: 1, to: from, query }, tail, matches);
    for (let awayMs = 0; !signal.aborted; ) {
      const page = { name, from, to: Number.MAX_SAFE_INTEGER };
      let chunks: readonly Chunk[] = [];
      try {
        chunks = await this.#database.run(() => chunkPage(page));
        awayMs = 0;
      } catch (error) {
        const isAway = error instanceof Problem && error.code === "store_unavailable";
        if (!isAway || awayMs >= AWAY_MS) throw error;
        awayMs += POLL_MS;
      }
      for (const chunk of chunks) {
        const lost = chunk.firstLine - from;
        if (lost > 0) yield lostLine(chunk, lost);
        yield* linesOf(chunk, { ...page, from }).filter(matches);
        from = chunk.firstLine + chunk.lines.length;
        if (signal.aborted) return;
      }
      if (chunks.length === 0) await pause(POLL_MS, undefined, { signal }).catch(ignoreAbort);
    }
  }

  async end(name: string): Promise<string> {
    return String((await this.#database.run(() => nextLine(name))) - 1);
  }

  /** Functions that have lines, removed ones included. */
  names(): Promise<readonly string[]> {
    return this.#database.run(() => namesWithLines());
  }

  forget(name: string): Promise<void> {
    return this.#database.run(() => forgetLines(name));
  }

  async *#chunks(page: PageQuery): AsyncIterable<Chunk> {
    for (let { from, to } = page; from < to; ) {
      const current = { ...page, from, to };
      const chunks = await this.#database.run(() => chunkPage(current));
      yield* chunks;
      const last = chunks.at(-1);
      if (!last) return;
      if (page.newestFirst) to = last.firstLine;
      else from = last.firstLine + last.lines.length;
    }
  }

  async #newest(page: PageQuery, count: number, matches: (line: KeptLine) => boolean): Promise<KeptLine[]> {
    const newest: KeptLine[][] = [];
    let found = 0;
    for await (const chunk of this.#chunks({ ...page, newestFirst: true })) {
      if (found >= count) break;
      const lines = linesOf(chunk, page).filter(matches);
      newest.push(lines);
      found += lines.length;
    }
    return count === 0 ? [] : newest.reverse().flat().slice(-count);
  }
}

function linesOf({ firstLine, lines }: Chunk, { from, to }: PageQuery): KeptLine[] {
  return lines
    .map((line, place) => ({ ...line, id: String(firstLine + place) }))
    .slice(Math.max(0, from - firstLine), Math.max(0, to - firstLine));
}

/** @throws Problem `invalid_request` if the cursor is not the id of a line */
function afterCursor({ after }: LogQuery): number {
  if (after === undefined) return 1;
  if (/^\d{1,15}$/.test(after)) return Number(after) + 1;
  const detail = `The cursor "${after.slice(0, 80)}" is not the id of a log line: use the id of the last line that you have.`;
  throw new Problem("invalid_request", detail);
}

/** It has the id of the line before `chunk`, so that a reader who resumes there misses nothing. */
function lostLine({ firstLine, lines }: Chunk, lost: number): KeptLine {
  const text = `${lost} ${lost === 1 ? "line was" : "lines were"} removed before this reader got to them`;
  const id = String(firstLine - 1);
  return { id, at: lines[0]!.at, instance: "", stream: "platform", level: "warn", text };
}

function ignoreAbort(error: Error): void {
  if (error.name !== "AbortError") throw error;
}
