import type { FileHandle } from "node:fs/promises";
import type { KeptLine, LogQuery } from "../store.ts";
import { blocksForward } from "./blocks.ts";
import { type FunctionLog, openSegment } from "./function-log.ts";
import { readLog } from "./read-log.ts";
import { countIn } from "./repair.ts";
import { LineSearch } from "./search.ts";
import { idOf, type Position, parseId, type Segment } from "./segment.ts";

/**
 * Reads the last `tail` lines or those after `after`, and then new ones from the files, until the signal aborts or the log
 * is removed. A reader that is so slow that lines are removed before it has read them gets a line that counts them.
 */
export async function* followLog(
  log: FunctionLog,
  { signal, tail = 0, ...query }: LogQuery & { readonly signal: AbortSignal },
): AsyncGenerator<KeptLine> {
  await log.load();
  let wake: () => void = () => {};
  const unfollow = log.onWrite(() => wake());
  const aborted = () => wake();
  signal.addEventListener("abort", aborted);
  try {
    const reader = new Follower(log, { ...query, signal });
    if (query.after === undefined) {
      const end = reader.skipToEnd();
      for await (const line of readLog(log, { ...query, tail })) {
        // The rest was written since.
        if (isBehind(parseId(line.id), end)) break;
        yield line;
        if (signal.aborted) return;
      }
    } else await reader.findLine();
    while (!signal.aborted && !log.isRemoved) {
      const written = new Promise<void>((resolve) => {
        wake = resolve;
      });
      for await (const line of reader.read()) {
        yield line;
        if (signal.aborted) return;
      }
      if (!log.isRemoved && !signal.aborted) await written;
    }
  } finally {
    unfollow();
    signal.removeEventListener("abort", aborted);
  }
}

/** A place in a log that moves on. */
class Follower {
  readonly #log: FunctionLog;
  readonly #search: LineSearch;
  #at: Position;
  /** Number of the next line, if it is known. */
  #line: number | undefined;
  readonly #signal: AbortSignal;

  constructor(log: FunctionLog, { signal, ...query }: LogQuery & { readonly signal: AbortSignal }) {
    this.#log = log;
    this.#signal = signal;
    this.#search = new LineSearch(query);
    this.#at = query.after === undefined ? { segment: 0, offset: 0 } : parseId(query.after);
  }

  skipToEnd(): Position {
    this.#at = this.#log.end;
    this.#line = this.#log.next;
    return this.#at;
  }

  /** Finds the number of the next line, unless its segment was removed or cut off before it. */
  async findLine(): Promise<void> {
    const segment = this.#log.segments.find(({ first }) => first === this.#at.segment);
    const file = segment && (await openSegment(segment));
    if (!segment || !file) return;
    let [line, read] = [segment.first, 0];
    try {
      for await (const { bytes } of blocksForward(file, 0, this.#at.offset)) {
        line += countIn(bytes);
        read += bytes.length;
      }
      if (read === this.#at.offset) this.#line = line;
      // New lines may follow where the file ends now.
      else if (segment.bytes < this.#at.offset) this.#at = { segment: segment.first, offset: segment.bytes };
    } finally {
      await file.close();
    }
  }

  /** Reads to the end that the log has now. */
  async *read(): AsyncGenerator<KeptLine> {
    while (!this.#signal.aborted) {
      const segment = this.#log.segments.find(({ first, bytes }) =>
        first === this.#at.segment ? bytes > this.#at.offset : first > this.#at.segment,
      );
      if (segment === undefined) return;
      if (segment.first !== this.#at.segment) {
        const lost = this.#line === undefined ? undefined : segment.first - this.#line;
        if (lost !== 0) yield lostLine(lost, segment);
        this.#at = { segment: segment.first, offset: 0 };
        this.#line = segment.first;
      }
      yield* this.#readSegment(segment);
    }
  }

  async *#readSegment(segment: Readonly<Segment>): AsyncGenerator<KeptLine> {
    const file = await openSegment(segment);
    const to = segment.bytes;
    if (file) yield* this.#readFile(file, segment.first, to);
    // The file was removed or cut off: the next one shows how much is lost.
    if (this.#at.offset < to) this.#at = { segment: segment.first, offset: to };
  }

  async *#readFile(file: FileHandle, segment: number, to: number): AsyncGenerator<KeptLine> {
    try {
      for await (const { bytes, start } of blocksForward(file, this.#at.offset, to)) {
        for (const { line, end } of this.#search.in(bytes)) {
          yield { ...line, id: idOf({ segment, offset: start + end }) };
        }
        this.#at = { segment, offset: start + bytes.length };
        if (this.#line !== undefined) this.#line += countIn(bytes);
        if (this.#signal.aborted) return;
      }
    } finally {
      await file.close();
    }
  }
}

/** @param lost undefined if nobody knows how many lines were removed, if any */
function lostLine(lost: number | undefined, { first, createdMs }: Readonly<Segment>): KeptLine {
  const what = lost === undefined ? "Lines may have been" : lost === 1 ? "1 line was" : `${lost} lines were`;
  return {
    at: new Date(createdMs),
    instance: "",
    stream: "platform",
    level: "warn",
    text: `${what} removed from the log before this reader had read them.`,
    id: idOf({ segment: first, offset: 0 }),
  };
}

function isBehind(position: Position, end: Position): boolean {
  return position.segment > end.segment || (position.segment === end.segment && position.offset > end.offset);
}
