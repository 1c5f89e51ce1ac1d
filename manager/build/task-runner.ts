import { availableParallelism } from "node:os";
import type { Limits } from "../../platform/limits.ts";
import { FastLane } from "../fast-lane.ts";
import type { Attempt, SlowLane } from "../slow-lane.ts";
import type { BuildMeter } from "./build-meter.ts";
import { outOfMemory, tooManyBuilds } from "./build-problems.ts";
import { type Answer, type Body, type BuildWorker, WorkerEnded } from "./build-worker.ts";
import { lowerPriority, processTree } from "./process-tree.ts";
import type { Task } from "./tasks.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface TaskRunnerOptions {
  readonly pool: WorkerPool;
  readonly limits: Limits;
  readonly meter: BuildMeter;
  readonly slow: SlowLane;
}

export interface TaskOrder {
  readonly task: Task;
  /** The source, and what Deno's bundler printed. */
  readonly bodies: readonly [Uint8Array, Body];
  /** Called when a worker begins with it. */
  readonly onBegin?: () => void;
}

const WAITING = 1_000;
/** A small function builds in a few milliseconds. */
const FAST_MS = 500;
const CONTENDED_MS = 50;
const FAST_BYTES = 128 * 1024 ** 2;
/** A worker that took more than this is not used again: it would keep most of it. */
const REUSED_BYTES = 96 * 1024 ** 2;
/** What takes long gets a tenth of a processor that others want. */
export const SLOW_NICE = 10;

/** Has build workers do tasks, the quick ones first, each within its memory. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #lane: FastLane;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#lane = new FastLane({
      places: availableParallelism() + 1,
      mostMs: FAST_MS,
      contendedMs: CONTENDED_MS,
      mostBytes: FAST_BYTES,
      waiting: { most: WAITING, refusal: () => tooManyBuilds(WAITING) },
      slow: options.slow,
    });
  }

  /**
   * Does a task.
   * @throws Problem `build_failed` (it took too much memory), `no_capacity` (too many wait), `draining`; the reason
   * of `signal`; WorkerEnded if no worker starts
   */
  run(order: TaskOrder, signal: AbortSignal): Promise<Answer> {
    return this.#lane.run(() => this.#attempt(order, signal), signal);
  }

  #attempt(order: TaskOrder, signal: AbortSignal): Attempt<Answer> {
    const evicting = new AbortController();
    const run = new Run(this.#options, AbortSignal.any([signal, evicting.signal]));
    return {
      done: run.perform(order, this.#lane.isCrowded),
      bytes: () => run.bytes,
      workedMs: () => run.workedMs,
      slowDown: () => run.slowDown(),
      evict: () => evicting.abort(new Error("the build was put off")),
    };
  }
}

/** A task in a worker. */
class Run {
  readonly #options: TaskRunnerOptions;
  readonly #signal: AbortSignal;
  #worker: BuildWorker | undefined;
  #startedAtMs: number | undefined;
  #isSlow = false;
  bytes = 0;

  constructor(options: TaskRunnerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  get workedMs(): number {
    return this.#startedAtMs === undefined ? 0 : performance.now() - this.#startedAtMs;
  }

  slowDown(): void {
    this.#isSlow = true;
    const pid = this.#worker?.process.pid;
    if (pid !== undefined) lowerPriority(processTree(pid), SLOW_NICE);
  }

  async perform(order: TaskOrder, isCrowded: boolean): Promise<Answer> {
    const { pool } = this.#options;
    const worker = await pool.take(this.#signal, isCrowded);
    this.#worker = worker;
    if (this.#isSlow) this.slowDown();
    const kill = () => worker.process.kill();
    this.#signal.addEventListener("abort", kill, { once: true });
    if (this.#signal.aborted) kill();
    this.#startedAtMs = performance.now();
    try {
      return await this.#metered(worker, order);
    } finally {
      this.#signal.removeEventListener("abort", kill);
      if (this.#isSlow || this.bytes > REUSED_BYTES) kill();
      else pool.give(worker);
    }
  }

  async #metered(worker: BuildWorker, { task, bodies, onBegin }: TaskOrder): Promise<Answer> {
    const { limits, meter } = this.#options;
    let isOver = false;
    const stop = meter.measure(worker.process.pid!, ({ memoryBytes }) => {
      this.bytes = memoryBytes;
      isOver ||= memoryBytes > limits.buildMemoryBytes;
      if (isOver) worker.process.kill();
    });
    onBegin?.();
    try {
      const answer = await worker.perform(task, bodies);
      if (answer.reply.outcome !== "collapse") return answer;
      worker.process.kill();
      throw outOfMemory(limits);
    } catch (error) {
      this.#signal.throwIfAborted();
      // Whether V8 or the system ended it nobody can tell: it is memory that they end processes for.
      throw isOver || error instanceof WorkerEnded ? outOfMemory(limits) : error;
    } finally {
      stop();
    }
  }
}
