import { availableParallelism } from "node:os";
import type { Limits } from "../../../platform/limits.ts";
import { FastLane } from "../../../process/fast-lane.ts";
import type { Attempt, SlowLane } from "../../../process/slow-lane.ts";
import type { BuildMeter, Sample } from "../walls/build-meter.ts";
import { crashed, tooManyBuilds } from "./build-problems.ts";
import { type Answer, type BuildWorker, WorkerEnded } from "./build-worker.ts";
import type { AnyTask } from "./tasks.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface TaskRunnerOptions {
  readonly pool: WorkerPool;
  readonly limits: Limits;
  readonly meter: BuildMeter;
  readonly slow: SlowLane;
}

export interface TaskOrder {
  readonly task: AnyTask;
  /** The body of the task. */
  readonly source: Uint8Array;
  /** Called when a worker begins. */
  readonly onBegin?: () => void;
}

const WAITING = 1_000;
/** A small function builds in a few milliseconds. */
const FAST_MS = 500;
const CONTENDED_MS = 50;
const FAST_BYTES = 128 * 1024 ** 2;
/** A worker that took more than this is not reused: it would keep most of it. */
const REUSED_BYTES = 96 * 1024 ** 2;
/** Time after which work in the slow lane gets a low priority. */
const LOW_PRIORITY_MS = 200;

/** Runs tasks in build workers, the quick ones first, each within its memory. */
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
      means: options.pool,
    });
    options.pool.onChange = () => this.#lane.admit();
  }

  /**
   * Runs a task.
   * @throws Problem `build_failed` (it took too much memory), `no_capacity` (too many wait), `draining`; the reason
   * of `signal`; WorkerEnded if no worker starts
   */
  run(order: TaskOrder, signal: AbortSignal): Promise<Answer> {
    const size = order.source.length;
    return this.#lane.run(() => this.#attempt(order, signal), { signal, size });
  }

  #attempt(order: TaskOrder, signal: AbortSignal): Attempt<Answer> {
    // The next task should find a worker too.
    if (this.#lane.isCrowded && !this.#options.pool.has(1)) this.#options.pool.want();
    const evicting = new AbortController();
    const run = new Run(this.#options, AbortSignal.any([signal, evicting.signal]));
    return {
      done: run.perform(order),
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
  #startedAtMs: number | undefined;
  #isSlow = false;
  #hasLowPriority = false;
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
  }

  async perform({ task, source, onBegin }: TaskOrder): Promise<Answer> {
    const { pool, limits, meter } = this.#options;
    const worker = await pool.take(this.#signal);
    this.#startedAtMs = performance.now();
    const onSample = ({ memoryBytes }: Sample) => {
      this.bytes = memoryBytes;
      if (this.#isSlow && this.workedMs > LOW_PRIORITY_MS) this.#lowerPriority(worker);
    };
    let isReusable = false;
    try {
      const options = { signal: this.#signal, limits, onSample };
      const answer = await meter.watch(worker.process, options, () => {
        onBegin?.();
        return worker.perform(task, source);
      });
      if (answer.reply.outcome === "collapse") throw crashed(limits);
      isReusable = !this.#hasLowPriority && this.bytes <= REUSED_BYTES;
      return answer;
    } catch (error) {
      throw error instanceof WorkerEnded ? crashed(limits) : error;
    } finally {
      if (isReusable) pool.give(worker);
      else worker.process.kill();
    }
  }

  /** The system does not give the priority back, so the worker is not reused. */
  #lowerPriority(worker: BuildWorker): void {
    if (this.#hasLowPriority) return;
    this.#hasLowPriority = true;
    this.#options.meter.slowDown(worker.process.pid!);
  }
}
