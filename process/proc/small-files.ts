import { closeSync, openSync, readSync } from "node:fs";

/** Larger than any file that is read: a status, a memory.stat. A longer list of processes is cut. */
const BUFFER_BYTES = 16 * 1024;

/** Errors that mean that the process or the group has ended, or that this process has no file left to read with. */
const PASSING = ["ENOENT", "ESRCH", "ENODEV", "EMFILE", "ENFILE"];

/** Reads files of `/proc` and `/sys` into one buffer, because a thousand instances are sampled many times a second. */
export class SmallFiles {
  readonly #passing: ReadonlySet<unknown>;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);

  /** @param passing further codes of errors for which a file counts as gone */
  constructor(passing: readonly string[] = []) {
    this.#passing = new Set([...PASSING, ...passing]);
  }

  /** Returns the text of a file, at most 16 KiB; undefined when it is gone, or cannot be read now. */
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

  /** Reads a file that contains one number. */
  number(path: string): number | undefined {
    const text = this.text(path);
    return text === undefined ? undefined : Number(text);
  }
}

/** Returns the number behind `name` at the start of a line, as in `RssAnon:  123 kB` or `anon 456`; 0 if there is none. */
export function fieldOf(text: string, name: string): number {
  const at = text.startsWith(name) ? 0 : text.indexOf(`\n${name}`) + 1;
  if (at === 0 && !text.startsWith(name)) return 0;
  const value = Number.parseInt(text.slice(at + name.length, at + name.length + 40), 10);
  return Number.isNaN(value) ? 0 : value;
}
