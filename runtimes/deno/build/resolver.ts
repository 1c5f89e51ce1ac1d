import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Limits } from "../../../platform/limits.ts";
import { FastLane } from "../../../process/fast-lane.ts";
import type { Attempt, SlowLane } from "../../../process/slow-lane.ts";
import type { BuildMeter, Sample } from "../walls/build-meter.ts";
import type { BuildProcess } from "../walls/build-process.ts";
import type { BuildProcesses } from "../walls/build-processes.ts";
import { artifactTooLarge, crashed, tooManyBuilds, tooMuchDownloaded } from "./build-problems.ts";
import type { DenoCache, HeldFolder } from "./deno-cache.ts";
import { readProblem } from "./reported-problem.ts";
import {
  BROKEN_DOWNLOAD,
  PRINTED_PROBLEM,
  PRINTED_PROJECT,
  PROJECT_FILE,
  type ReportedProblem,
} from "./tasks.ts";

export interface ResolverOptions {
  readonly processes: BuildProcesses;
  readonly limits: Limits;
  readonly meter: BuildMeter;
  readonly slow: SlowLane;
  readonly cache: DenoCache;
  /** Folder for the folders of runs. */
  readonly builds: string;
}

const WAITING = 100;
/** With a full cache a few packages take 0.3 s; otherwise Deno waits for downloads. */
const FAST_MS = 1_000;
const CONTENDED_MS = 100;
const FAST_BYTES = 256 * 1024 ** 2;
/** Pauses before a retry after downloads that broke off. */
const RETRY_AFTER_MS = [250, 1_000];
/** A full disk, as Node and Deno name it. */
const NO_SPACE = /ENOSPC|No space left on device/;
/** Exit code of a shell for a file over its limit. */
const SIGXFSZ_EXIT = 128 + 25;

/** A project without its packages. */
export interface UnresolvedProject {
  /** Path of the main module. */
  readonly entry: string;
  /** Paths of the modules whose imports are installed, with the main module. */
  readonly roots: readonly string[];
  /** As `encodeFiles` encodes them. */
  readonly files: Uint8Array;
}

/** Resolves the imports of projects, in a process for each: with Deno, which downloads them. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #lane: FastLane;

  constructor(options: ResolverOptions) {
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
   * Returns the packed project with everything that it imports.
   * @throws Problem `build_failed`, `no_capacity` (too many wait); the reason of `signal`; Error if Deno does not run, with
   *   the code ENOSPC if the disk is full
   */
  async resolve({ entry, roots, files }: UnresolvedProject, signal: AbortSignal): Promise<Uint8Array> {
    const folder = await mkdtemp(join(this.#options.builds, "build-"));
    const output = `${folder}.out`;
    try {
      await writeFile(join(folder, PROJECT_FILE), files, { mode: 0o600 });
      const attempt = () => this.#attempt({ folder, output, entry, roots }, signal);
      const exit = await this.#lane.run(attempt, { signal, size: files.length });
      if (exit === "cut") throw artifactTooLarge(this.#options.processes.artifactBytes);
      return readPrinted(await readFile(output));
    } finally {
      await rm(folder, { recursive: true, force: true });
      await rm(output, { force: true });
    }
  }

  #attempt(files: RunFiles, signal: AbortSignal): Attempt<"whole" | "cut"> {
    const evicting = new AbortController();
    const run = new Run(this.#options, AbortSignal.any([signal, evicting.signal]));
    return {
      done: run.untilDone(files),
      bytes: () => run.bytes,
      workedMs: () => run.workedMs,
      slowDown: () => run.slowDown(),
      evict: () => evicting.abort(new Error("the build was put off")),
    };
  }
}

interface RunFiles {
  readonly folder: string;
  readonly entry: string;
  readonly roots: readonly string[];
  /** File for the output. */
  readonly output: string;
}

/** The runs for one project: more than one if downloads break off. */
class Run {
  readonly #options: ResolverOptions;
  readonly #signal: AbortSignal;
  readonly #startedAtMs = performance.now();
  #process: BuildProcess | undefined;
  #isSlow = false;
  bytes = 0;

  constructor(options: ResolverOptions, signal: AbortSignal) {
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

  async untilDone(files: RunFiles): Promise<"whole" | "cut"> {
    const { cache, limits } = this.#options;
    let problem: Error | undefined;
    const held = await cache.hold(() => {
      problem = tooMuchDownloaded(limits);
      this.#process?.kill();
    });
    try {
      for (const pauseMs of [...RETRY_AFTER_MS, undefined]) {
        const exit = await this.#once(files, held);
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
  async #once(
    { folder, output, entry, roots }: RunFiles,
    held: HeldFolder,
  ): Promise<number | NodeJS.Signals> {
    const { processes, limits, meter } = this.#options;
    this.#signal.throwIfAborted();
    const file = await open(output, "w", 0o600);
    let process: BuildProcess;
    try {
      process = processes.startResolver({ folder, entry, roots, cache: held.path, output: file.fd });
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
    const error = new Error(`the resolver failed with exit code ${exit}: ${stderr}`);
    throw NO_SPACE.test(stderr) ? Object.assign(error, { code: "ENOSPC" }) : error;
  }
}

/** @throws the reported problem */
function readPrinted(printed: Buffer): Uint8Array {
  const kind = printed.toString("latin1", 0, 1);
  const rest = printed.subarray(1);
  if (kind === PRINTED_PROJECT) return rest;
  if (kind === PRINTED_PROBLEM) throw readProblem(JSON.parse(rest.toString()) as ReportedProblem);
  throw new Error(`the resolver printed "${kind}" first`);
}
