import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Limits } from "../../../platform/limits.ts";
import { FastLane } from "../../../process/fast-lane.ts";
import type { Attempt, SlowLane } from "../../../process/slow-lane.ts";
import type { BuildMeter, Sample } from "../walls/build-meter.ts";
import type { BuildProcess } from "../walls/build-process.ts";
import { type BuildProcesses, ENTRY } from "../walls/build-processes.ts";
import { crashed, shuttingDown, tooManyBuilds, tooMuchDownloaded } from "./build-problems.ts";
import type { Body } from "./build-worker.ts";
import type { DenoCache, HeldFolder } from "./deno-cache.ts";
import { DENO_CODE, DENO_ERRORS } from "./tasks.ts";
import { aborted } from "./worker-pool.ts";

export interface DenoBundlerOptions {
  readonly processes: BuildProcesses;
  readonly limits: Limits;
  readonly meter: BuildMeter;
  readonly slow: SlowLane;
  readonly cache: DenoCache;
  /** Folder for the folders of runs. */
  readonly builds: string;
}

const WAITING = 100;
/** With a full cache Deno needs 0.3 s; otherwise it waits for downloads. */
const FAST_MS = 1_000;
const CONTENDED_MS = 100;
const FAST_BYTES = 256 * 1024 ** 2;
/** Pauses before a retry after downloads that broke off. */
const RETRY_AFTER_MS = [250, 1_000];
/** Exit code of deno-bundle.js for that. */
const BROKEN_DOWNLOAD = 75;
/** Time to download the bundler itself. One run does that alone: several at a time read what is half written. */
const PREPARE_MS = 30_000;
/** Exit code of a shell for a file over its limit. */
const SIGXFSZ_EXIT = 128 + 25;

/** Output of the bundler. Only workers read its content. */
export interface Printed {
  readonly body: Body;
  readonly isBundle: boolean;
}

/** Bundles modules with their outside imports: with Deno's own bundler, in a process for each. */
export class DenoBundler {
  readonly #options: DenoBundlerOptions;
  readonly #lane: FastLane;
  readonly #closing = new AbortController();
  readonly #preparing = new Set<Promise<void>>();

  constructor(options: DenoBundlerOptions) {
    this.#options = options;
    this.#lane = new FastLane({
      places: availableParallelism(),
      mostMs: FAST_MS,
      contendedMs: CONTENDED_MS,
      mostBytes: FAST_BYTES,
      waiting: { most: WAITING, refusal: () => tooManyBuilds(WAITING) },
      slow: options.slow,
    });
  }

  /**
   * Passes the output of the bundler for a module to `use`: a bundle, or errors.
   * @throws Problem `build_failed` (it took too much memory or space), `no_capacity` (too many wait); the reason of
   * `signal`; Error if Deno does not run
   */
  async bundle<T>(
    module: Uint8Array,
    signal: AbortSignal,
    use: (printed: Printed) => Promise<T>,
  ): Promise<T> {
    return await this.#withFiles(module, async (files) => {
      const exit = await this.#lane.run(() => this.#attempt(files, signal), { signal, size: module.length });
      return await use(exit === "cut" ? tooLong() : await printedTo(files.output));
    });
  }

  /** Ends what runs without a build; builds under way end with their signals. */
  async close(): Promise<void> {
    this.#closing.abort(shuttingDown());
    await Promise.allSettled(this.#preparing);
  }

  async #withFiles<T>(module: Uint8Array, work: (files: RunFiles) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(this.#options.builds, "build-"));
    const output = `${folder}.out`;
    try {
      await writeFile(join(folder, ENTRY), module, { mode: 0o600 });
      return await work({ folder, output });
    } finally {
      await rm(folder, { recursive: true, force: true });
      await rm(output, { force: true });
    }
  }

  #attempt(files: RunFiles, signal: AbortSignal): Attempt<"whole" | "cut"> {
    const evicting = new AbortController();
    const run = new Run(this.#options, AbortSignal.any([signal, evicting.signal]));
    return {
      done: run.untilDone(files, (held) => this.#prepared(held)),
      bytes: () => run.bytes,
      workedMs: () => run.workedMs,
      slowDown: () => run.slowDown(),
      evict: () => evicting.abort(new Error("the build was put off")),
    };
  }

  async #prepared(held: HeldFolder): Promise<void> {
    const preparing = this.#prepare(held);
    this.#preparing.add(preparing);
    try {
      await preparing;
    } finally {
      this.#preparing.delete(preparing);
    }
  }

  /** @throws Error if the bundler cannot be downloaded */
  async #prepare(held: HeldFolder): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(PREPARE_MS)]);
    await this.#withFiles(Buffer.from("export {};"), async (files) => {
      const exit = await new Run(this.#options, signal).once(files, held);
      if (exit !== 0) throw new Error(`Deno's bundler could not be prepared: ${exit}`);
    });
  }
}

interface RunFiles {
  readonly folder: string;
  /** File for the output. */
  readonly output: string;
}

/** The runs of Deno for one module: more than one if downloads break off. */
class Run {
  readonly #options: DenoBundlerOptions;
  readonly #signal: AbortSignal;
  readonly #startedAtMs = performance.now();
  #process: BuildProcess | undefined;
  #isSlow = false;
  bytes = 0;

  constructor(options: DenoBundlerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  get workedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  slowDown(): void {
    this.#isSlow = true;
    const pid = this.#process?.pid;
    if (pid !== undefined) this.#options.meter.slowDown(pid);
  }

  async untilDone(files: RunFiles, prepare: (held: HeldFolder) => Promise<void>): Promise<"whole" | "cut"> {
    const { cache, limits } = this.#options;
    let problem: Error | undefined;
    const held = await cache.hold(() => {
      problem = tooMuchDownloaded(limits);
      this.#process?.kill();
    });
    try {
      await Promise.race([held.prepared(() => prepare(held)), aborted(this.#signal)]);
      for (const pauseMs of [...RETRY_AFTER_MS, undefined]) {
        const exit = await this.once(files, held);
        if (problem) throw problem;
        if (exit !== BROKEN_DOWNLOAD || pauseMs === undefined) return this.#judge(exit);
        await pause(pauseMs, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted());
      }
      throw new Error("the last try has no pause after it");
    } finally {
      held.release();
    }
  }

  /** @throws the reason of the signal, Problem `build_failed` if it took too much memory */
  async once({ folder, output }: RunFiles, held: HeldFolder): Promise<number | NodeJS.Signals> {
    const { processes, limits, meter } = this.#options;
    this.#signal.throwIfAborted();
    const file = await open(output, "w", 0o600);
    let process: BuildProcess;
    try {
      process = processes.startDeno({ folder, cache: held.path, output: file.fd });
    } finally {
      await file.close();
    }
    this.#process = process;
    if (this.#isSlow) this.slowDown();
    const onSample = ({ memoryBytes, writtenBytes }: Sample) => {
      this.bytes = memoryBytes;
      held.wrote(writtenBytes);
    };
    return await meter.watch(process, { signal: this.#signal, limits, onSample }, () => process.ended);
  }

  /** @throws Problem `build_failed` if it crashed, Error if Deno does not run */
  #judge(exit: number | NodeJS.Signals): "whole" | "cut" {
    if (exit === 0 || exit === BROKEN_DOWNLOAD) return "whole";
    const stderr = this.#process?.stderr ?? "";
    const isTooLong = exit === "SIGXFSZ" || exit === SIGXFSZ_EXIT || /EFBIG|File too large/i.test(stderr);
    if (isTooLong) return "cut";
    // Tools of a wall report a signal as an exit code.
    if (typeof exit === "string" || exit > 128) throw crashed(this.#options.limits);
    throw new Error(`Deno's bundler failed with exit code ${exit}: ${stderr}`);
  }
}

async function printedTo(path: string): Promise<Printed> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: 0 });
    return { body: { path, bytes: size }, isBundle: buffer.toString("latin1") === DENO_CODE };
  } finally {
    await file.close();
  }
}

function tooLong(): Printed {
  const errors = [{ text: "the bundle is too large", location: null }];
  return { body: Buffer.from(`${DENO_ERRORS}${JSON.stringify(errors)}`), isBundle: false };
}
