import { appendFile, type FileHandle, mkdir, open, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { LogLine } from "../../platform/platform.ts";
import { writeLine } from "./line-text.ts";
import { countLines, wholeLines } from "./repair.ts";
import { type Position, parseSegmentName, type Segment, segmentPath } from "./segment.ts";

const HOUR_MS = 3_600_000;
const SEGMENT_BYTES = 4 * 1024 ** 2;
/** A log has at least this many segments, so that the oldest one is a small part of it. */
const LEAST_SEGMENTS = 8;

export interface Bounds {
  /** Age of the last line of a segment after which it is removed. */
  readonly ageMs: number;
  /** Bytes of all lines of one function. */
  readonly bytes: number;
}

/** The segments of one function. Writes are in order; readers read what `segments` has at the time. */
export class FunctionLog {
  readonly #folder: string;
  readonly #bounds: Bounds;
  readonly #now: () => number;
  #segments: Segment[] = [];
  /** Number of the next line. */
  #next = 0;
  #loaded: Promise<void> | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  /** Each is called after a write, and when the log is removed. */
  readonly #followers = new Set<() => void>();
  isRemoved = false;

  constructor(folder: string, bounds: Bounds, now: () => number) {
    this.#folder = folder;
    this.#bounds = bounds;
    this.#now = now;
  }

  /** Oldest first. */
  get segments(): readonly Readonly<Segment>[] {
    return this.#segments;
  }

  /** Number of the next line. */
  get next(): number {
    return this.#next;
  }

  /** The place behind the last line. */
  get end(): Position {
    const last = this.#segments.at(-1);
    return last ? { segment: last.first, offset: last.bytes } : { segment: this.#next, offset: 0 };
  }

  /** Reads what an earlier process left, and repairs a line that it did not finish. */
  load(): Promise<void> {
    this.#loaded ??= this.#load().catch((error: Error) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  /** Appends lines with one write. A write that fails leaves nothing behind. */
  append(lines: readonly LogLine[]): Promise<void> {
    return this.#inOrder(async () => {
      const bytes = Buffer.from(lines.map(writeLine).join(""));
      const segment = await this.#segmentFor(bytes.length);
      try {
        await appendFile(segment.path, bytes);
      } catch (error) {
        // Without its folder, which a person may have removed, the log begins anew.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#segments = [];
        else await truncate(segment.path, segment.bytes);
        throw error;
      }
      segment.bytes += bytes.length;
      segment.writtenMs = this.#now();
      this.#next += lines.length;
      await this.#removeOver();
      for (const wake of this.#followers) wake();
    });
  }

  /** Removes the segments that are too old or too much. */
  prune(): Promise<void> {
    return this.#inOrder(() => this.#removeOver());
  }

  remove(): Promise<void> {
    this.isRemoved = true;
    return this.#inOrder(async () => {
      this.#segments = [];
      await rm(this.#folder, { recursive: true, force: true });
      for (const wake of this.#followers) wake();
    });
  }

  /** Calls `wake` after each write until the returned function is called. */
  onWrite(wake: () => void): () => void {
    this.#followers.add(wake);
    return () => void this.#followers.delete(wake);
  }

  /** Resolves when the writes so far are done. */
  settled(): Promise<unknown> {
    return this.#writing;
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(() => this.load()).then(work);
    this.#writing = done.catch(() => {});
    return done;
  }

  async #load(): Promise<void> {
    const segments: Segment[] = [];
    for (const name of await filesIn(this.#folder)) {
      const path = join(this.#folder, name);
      const parsed = parseSegmentName(name);
      if (parsed) {
        const { size: bytes, mtimeMs: writtenMs } = await stat(path);
        segments.push({ ...parsed, path, bytes, writtenMs });
      }
    }
    this.#segments = segments.sort((a, b) => a.first - b.first);
    const last = this.#segments.at(-1);
    // Numbers stay unique after all segments were removed: no function prints a line each microsecond.
    if (last === undefined) this.#next = this.#now() * 1_000;
    else {
      last.bytes = await wholeLines(last.path, last.bytes);
      this.#next = last.first + (await countLines(last.path));
    }
  }

  async #segmentFor(bytes: number): Promise<Segment> {
    const most = Math.min(SEGMENT_BYTES, Math.ceil(this.#bounds.bytes / LEAST_SEGMENTS));
    const nowMs = this.#now();
    const last = this.#segments.at(-1);
    if (last && (await this.#isWhole(last))) {
      if (last.bytes + bytes <= most && nowMs - last.createdMs < HOUR_MS) return last;
      // An empty one stays: its name would be taken.
      if (last.first === this.#next) return last;
    }
    await mkdir(this.#folder, { recursive: true });
    const path = segmentPath(this.#folder, this.#next, nowMs);
    const segment = { path, first: this.#next, createdMs: nowMs, bytes: 0, writtenMs: nowMs };
    this.#segments = [...this.#segments, segment];
    return segment;
  }

  /**
   * Whether a file has the lines that were written to it. A person or a program may have changed it: offsets in it are
   * no places of lines then, so that it gets no more lines.
   */
  async #isWhole(last: Segment): Promise<boolean> {
    const size = await sizeOf(last.path);
    if (size === last.bytes) return true;
    if (size === undefined) this.#segments = this.#segments.filter((segment) => segment !== last);
    else last.bytes = await wholeLines(last.path, Math.min(size, last.bytes));
    return false;
  }

  async #removeOver(): Promise<void> {
    const { ageMs, bytes } = this.#bounds;
    const sum = () => this.#segments.reduce((total, segment) => total + segment.bytes, 0);
    for (;;) {
      const [first, second] = this.#segments;
      if (first === undefined) return;
      const isOld = this.#now() - first.writtenMs > ageMs;
      if (!isOld && !(second && sum() > bytes)) return;
      await rm(first.path, { force: true });
      this.#segments = this.#segments.slice(1);
      if (second === undefined) await rm(this.#folder, { recursive: true, force: true });
    }
  }
}

/** Names in a folder; none if it does not exist. */
export function filesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(absent<string[]>([]));
}

/** Bytes of a file; undefined if it does not exist. */
function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(({ size }) => size, absent(undefined));
}

/** Opens a segment; undefined if it was removed meanwhile. */
export function openSegment({ path }: Readonly<Segment>): Promise<FileHandle | undefined> {
  return open(path).catch(absent(undefined));
}

/** Turns the error of a file that does not exist into a value. */
function absent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return value;
    throw error;
  };
}
