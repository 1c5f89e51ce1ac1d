/** A working copy on this disk. */
export interface Copy {
  /** The revision that it has; undefined for one that an earlier process left. */
  readonly revision: number | undefined;
  readonly bytes: number;
  /** When it was last opened, in milliseconds since 1970. */
  readonly usedAt: number;
  /** When refs were saved that `git receive-pack` moves in the copy. */
  readonly byGitAt?: number | undefined;
}

export interface CopiesOptions {
  /** Most bytes of all copies. */
  readonly mostBytes: number;
  /** Requests of git end within this time: a copy that was opened before is free. */
  readonly useMs: number;
}

/** Tracks which working copies are on this disk, and which of them go when they are too many. */
export class Copies {
  readonly #options: CopiesOptions;
  /** The least recently used first. */
  readonly #copies = new Map<string, Copy>();
  #bytes = 0;

  constructor(options: CopiesOptions) {
    this.#options = options;
  }

  get(name: string): Copy | undefined {
    return this.#copies.get(name);
  }

  /** Adds a copy, or replaces what is known of it. */
  set(name: string, copy: Copy): void {
    this.delete(name);
    this.#copies.set(name, copy);
    this.#bytes += copy.bytes;
  }

  delete(name: string): void {
    this.#bytes -= this.#copies.get(name)?.bytes ?? 0;
    this.#copies.delete(name);
  }

  /** Returns the name of a copy that should go; undefined if none should, or all are in use. */
  surplus(now: number): string | undefined {
    if (this.#bytes <= this.#options.mostBytes) return undefined;
    const [name, oldest] = this.#copies.entries().next().value ?? [];
    return oldest !== undefined && this.isFree(oldest, now) ? name : undefined;
  }

  isFree({ usedAt }: Copy, now: number): boolean {
    return usedAt < now - this.#options.useMs;
  }
}
