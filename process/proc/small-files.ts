import { closeSync, openSync, readSync } from "node:fs";

/** Larger than status and memory.stat files. A longer list of processes is truncated. */
const BUFFER_BYTES = 16 * 1024;

/** Codes of errors for an ended process or group, and for a process that is out of file descriptors. */
const PASSING = ["ENOENT", "ESRCH", "ENODEV", "EMFILE", "ENFILE"];

/** Reads files of `/proc` and `/sys` into one buffer: a thousand instances are sampled several times a second. */
export class SmallFiles {
  readonly #passing: ReadonlySet<unknown>;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);

  /** @param passing codes of further errors that mean that a file is gone */
  constructor(passing: readonly string[] = []) {
    this.#passing = new Set([...PASSING, ...passing]);
  }

  /** Returns the text of a file, at most 16 KiB. Undefined if it is gone or cannot be read now. */
  text(path: string): string | undefined {
    let file: number | undefined;
    try {
      file = openSync(path, "r");
      const bytes = readSync(file, this.#buffer, 0, BUFFER_BYTES, 0);
      return this.#buffer.toString("latin1", 0, bytes);
    } catch (error) {
      if (this.#passing.has((error as NodeJS.ErrnoException).code)) return undefined;
      throw error;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** Returns the number in a file. */
  number(path: string): number | undefined {
    const text = this.text(path);
    return text === undefined ? undefined : Number(text);
  }
}

/** Returns the number after `name` at the start of a line, as in `RssAnon:  123 kB` or `anon 456`; 0 if absent. */
export function fieldOf(text: string, name: string): number {
  const at = text.startsWith(name) ? 0 : text.indexOf(`\n${name}`) + 1;
  if (at === 0 && !text.startsWith(name)) return 0;
  const value = Number.parseInt(text.slice(at + name.length, at + name.length + 40), 10);
  return Number.isNaN(value) ? 0 : value;
}
