import { existsSync, type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** Editors write a file in several steps. */
const SETTLED_MS = 15;

/** Watches the folders of a source. Folders are watched, not files, because editors replace files. */
export class SourceWatch {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these folders from now on; instead of one that does not exist, the nearest one above it. */
  set(folders: Iterable<string>): void {
    const wanted = new Set([...folders].map(nearestFolder));
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) {
      if (this.#watchers.has(folder)) continue;
      const watcher = watch(folder, () => this.#changed());
      // A removed folder: the source is read again, which says what is missing.
      watcher.on("error", () => this.#changed());
      this.#watchers.set(folder, watcher);
    }
  }

  close(): void {
    this.set([]);
    clearTimeout(this.#timer);
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, SETTLED_MS);
  }
}

function nearestFolder(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : nearestFolder(dirname(folder));
}
