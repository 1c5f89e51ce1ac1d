import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface DenoCacheOptions {
  /** Folder of the builder, in which the cache has the folders `deno-1`, `deno-2`, … */
  readonly directory: string;
  /** Most bytes that they may hold together. */
  readonly mostBytes: number;
}

/** The cache's folder for one run of Deno. */
export interface HeldFolder {
  readonly path: string;
  /** Records how much the run has written so far. Calls `onFull` if the run has to end. */
  wrote(bytes: number): void;
  release(): void;
}

interface Generation {
  readonly number: number;
  readonly path: string;
  users: number;
  /** Its size when it was measured, and what runs have written since. */
  bytes: number;
  /** Its size when it was measured. */
  measuredBytes: number;
  isMeasuring: boolean;
}

interface Holder {
  readonly generation: Generation;
  readonly onFull: () => void;
  writtenBytes: number;
}

const FOLDER = /^deno(?:-(\d+))?$/;
/** Time for `du` and `rm`. A failure costs only space and time. */
const COMMAND_MS = 60_000;
/** A folder is measured again when this fraction of the limit was written to it. */
const MEASURED_AGAIN = 16;

/**
 * Deno's downloads for builds. When the folder holds half of the limit, new builds begin a new folder, and the old one is
 * removed with its last build: no build waits, and none loses files. Writes count at once: if all together pass the limit,
 * the run that wrote most has to end.
 */
export class DenoCache {
  readonly #options: DenoCacheOptions;
  readonly #holders = new Set<Holder>();
  #generations: Generation[] = [];
  readonly #work = new Set<Promise<void>>();

  constructor(options: DenoCacheOptions) {
    this.#options = options;
  }

  /** Finds the newest folder of an earlier process, and removes older ones. */
  async open(): Promise<void> {
    const found = (await readdir(this.#options.directory)).flatMap((name) => {
      const match = FOLDER.exec(name);
      return match ? [this.#generation(Number(match[1] ?? 0), name)] : [];
    });
    found.sort((a, b) => a.number - b.number);
    const newest = found.pop();
    for (const old of found) this.#remove(old);
    if (!newest) return;
    this.#generations = [newest];
    this.#measure(newest);
  }

  /** @param onFull called once when the run that holds the folder must end, because it writes too much */
  async hold(onFull: () => void): Promise<HeldFolder> {
    const generation = this.#current();
    generation.users++;
    const holder: Holder = { generation, onFull, writtenBytes: 0 };
    this.#holders.add(holder);
    await mkdir(generation.path, { recursive: true, mode: 0o700 });
    return {
      path: generation.path,
      wrote: (bytes) => this.#count(holder, bytes),
      release: () => {
        if (!this.#holders.delete(holder)) return;
        generation.users--;
        this.#retire(generation);
      },
    };
  }

  /** Waits for measurements and removals under way. */
  async close(): Promise<void> {
    await Promise.all(this.#work);
  }

  #current(): Generation {
    const newest = this.#generations.at(-1);
    // It may hold less than was written, which the measurement will show.
    if (newest && (newest.isMeasuring || newest.bytes <= this.#options.mostBytes / 2)) return newest;
    const number = (newest?.number ?? 0) + 1;
    const next = this.#generation(number, `deno-${number}`);
    this.#generations.push(next);
    if (newest) this.#retire(newest);
    return next;
  }

  #count(holder: Holder, bytes: number): void {
    const { generation } = holder;
    const more = Math.max(0, bytes - holder.writtenBytes);
    holder.writtenBytes += more;
    generation.bytes += more;
    const { mostBytes } = this.#options;
    const isMuchMore = generation.bytes - generation.measuredBytes > mostBytes / MEASURED_AGAIN;
    if (generation.bytes > mostBytes / 2 && isMuchMore) this.#measure(generation);
    const all = this.#generations.reduce((sum, each) => sum + each.bytes, 0);
    if (all <= mostBytes) return;
    const [most] = [...this.#holders].sort((a, b) => b.writtenBytes - a.writtenBytes);
    if (most === holder) holder.onFull();
  }

  /** Removes a folder that was replaced and has no users left. */
  #retire(generation: Generation): void {
    if (generation.users > 0 || generation === this.#generations.at(-1)) return;
    this.#generations = this.#generations.filter((each) => each !== generation);
    this.#remove(generation);
  }

  /** Corrects the size: runs also overwrite and remove files. */
  #measure(generation: Generation): void {
    if (generation.isMeasuring) return;
    generation.isMeasuring = true;
    const before = generation.bytes;
    const measure = async () => {
      const { stdout } = await promisify(execFile)("du", ["-sk", generation.path], { timeout: COMMAND_MS });
      const measured = Number.parseInt(stdout, 10) * 1024;
      // The result may include what was written meanwhile.
      if (!Number.isFinite(measured)) return;
      generation.bytes = measured + (generation.bytes - before);
      generation.measuredBytes = measured;
    };
    this.#inBackground(
      measure().finally(() => {
        generation.isMeasuring = false;
      }),
    );
  }

  #remove({ path }: Generation): void {
    this.#inBackground(promisify(execFile)("rm", ["-rf", path], { timeout: COMMAND_MS }));
  }

  #inBackground(work: Promise<unknown>): void {
    const done = work.then(
      () => {},
      // The next start finds a folder that stays; without a size, what was written counts.
      () => {},
    );
    this.#work.add(done);
    void done.then(() => this.#work.delete(done));
  }

  #generation(number: number, name: string): Generation {
    const path = join(this.#options.directory, name);
    return { number, path, users: 0, bytes: 0, measuredBytes: 0, isMeasuring: false };
  }
}
