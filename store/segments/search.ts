import type { LogLine } from "../../platform/platform.ts";
import { logFilter } from "../log-filter.ts";
import type { LogQuery } from "../store.ts";
import { readLine } from "./line-text.ts";

const LINE_END = 0x0a;

/** A line that was found, and where it ends in its block. */
export interface Found {
  readonly line: LogLine;
  readonly end: number;
}

/**
 * Finds lines in blocks of whole lines. Most filters have bytes that occur in every line that passes. Only lines with
 * them are parsed, which takes a hundred times longer than finding them.
 */
export class LineSearch {
  readonly #passes: (line: LogLine) => boolean;
  /** A line that passes has one of them; empty if that is not known. */
  readonly #needles: readonly Buffer[];
  /** In lower case; for text without regard to case. */
  readonly #lowerNeedle: string | undefined;

  constructor(query: LogQuery) {
    this.#passes = logFilter(query);
    this.#needles = needlesOf(query).map((needle) => Buffer.from(needle));
    const { search } = query;
    if (this.#needles.length === 0 && search !== undefined) {
      this.#lowerNeedle = longestAscii(JSON.stringify(search).slice(1, -1));
    }
  }

  /** Returns the lines of a block that pass, in order. */
  in(block: Buffer): Found[] {
    const found: Found[] = [];
    const next = this.#finder(block);
    for (let at = 0; at < block.length; ) {
      const place = next(at);
      if (place < 0) break;
      const start = block.lastIndexOf(LINE_END, place) + 1;
      const end = block.indexOf(LINE_END, place) + 1;
      const line = readLine(block.toString("utf8", Math.max(start, at), end - 1));
      if (line && this.#passes(line)) found.push({ line, end });
      at = end;
    }
    return found;
  }

  /** Returns what finds the next place, from an offset on, at which a line may pass; -1 if there is none. */
  #finder(block: Buffer): (from: number) => number {
    const finders = this.#needles.map((needle) => finder((from) => block.indexOf(needle, from)));
    if (finders.length > 0) {
      return (from) => {
        const places = finders.map((find) => find(from)).filter((place) => place >= 0);
        return places.length > 0 ? Math.min(...places) : -1;
      };
    }
    const lowerNeedle = this.#lowerNeedle;
    if (!lowerNeedle) return (from) => from;
    // One character for each byte, so that offsets are the same.
    const lower = block.toString("latin1").toLowerCase();
    return (from) => lower.indexOf(lowerNeedle, from);
  }
}

/** Returns what finds the next place, and remembers it until it is passed. */
function finder(find: (from: number) => number): (from: number) => number {
  let place: number | undefined;
  return (from) => {
    if (place === undefined || (place >= 0 && place < from)) place = find(from);
    return place;
  };
}

/** Texts of which a line that passes has one. */
function needlesOf({ call, status, level, version }: LogQuery): string[] {
  if (call !== undefined) return [`"callId":${JSON.stringify(call)}`];
  if (status !== undefined) return ['"status":'];
  if (level === "error") return ['"level":"error"', '"stream":"stderr"'];
  if (level === "warn") return ['"level":"warn"', '"level":"error"', '"stream":"stderr"'];
  return version === undefined ? [] : [`"version":${version},`];
}

/** Only ASCII has the same bytes in lower case whatever stands beside it. */
function longestAscii(text: string): string | undefined {
  const runs = text.toLowerCase().match(/[\x20-\x7e]+/g) ?? [];
  return runs.sort((a, b) => b.length - a.length)[0];
}
