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
    const reader = new Follower(log, query);
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

  constructor(log: FunctionLog, query: LogQuery) {
    this.#log = log;
    this.#search = new LineSearch(query);
    this.#at = query.after === undefined ? { segment: 0, offset: 0 } : parseId(query.after);
  }

  skipToEnd(): Position {
    const last = this.#log.segments.at(-1);
    this.#at = last ? { segment: last.first, offset: last.bytes } : { segment: this.#log.next, offset: 0 };
    this.#line = this.#log.next;
    return this.#at;
  }

  /** Finds the number of the next line, unless its segment was removed. */
  async findLine(): Promise<void> {
    const segment = this.#log.segments.find(({ first }) => first === this.#at.segment);
    const file = segment && (await openSegment(segment));
    if (!segment || !file) return;
    let line = segment.first;
    try {
      for await (const { bytes } of blocksForward(file, 0, this.#at.offset)) line += countIn(bytes);
      this.#line = line;
    } finally {
      await file.close();
    }
  }

  /** Reads to the end that the log has now. */
  async *read(): AsyncGenerator<KeptLine> {
    for (;;) {
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
    // Removed meanwhile: the next one shows how much is lost.
    if (file === undefined) return;
    const to = segment.bytes;
    try {
      for await (const { bytes, start } of blocksForward(file, this.#at.offset, to)) {
        for (const { line, end } of this.#search.in(bytes)) {
          const at = { segment: segment.first, offset: start + end };
          yield { ...line, id: idOf(at) };
        }
        this.#at = { segment: segment.first, offset: start + bytes.length };
        if (this.#line !== undefined) this.#line += countIn(bytes);
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
