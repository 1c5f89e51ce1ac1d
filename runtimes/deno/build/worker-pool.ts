import type { BuildProcesses } from "../walls/build-processes.ts";
import { shuttingDown } from "./build-problems.ts";
import type { BuildWorker } from "./build-worker.ts";

/** How long the last idle worker is kept, and any other one. */
const LAST_MS = 10 * 60_000;
const SPARE_MS = 10_000;
const SWEEP_MS = 2_000;

interface Idle {
  readonly worker: BuildWorker;
  readonly sinceMs: number;
}

/** Workers that start at a time: more would make each slower. */
const STARTING = 2;

/** Keeps one build worker ready, and more while there is work for them. */
export class WorkerPool {
  /** Called when a worker is available, and when one did not start. */
  onChange: () => void = () => {};
  readonly #processes: BuildProcesses;
  /** The most recently used is last, and is used next. */
  #idle: Idle[] = [];
  readonly #all = new Set<BuildWorker>();
  #starting = 0;
  /** The last start failed: `take` reports why. */
  #hasFailed = false;
  #isClosed = false;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(processes: BuildProcesses) {
    this.#processes = processes;
  }

  /** Makes one worker ready. @throws WorkerEnded if none starts */
  async warm(): Promise<void> {
    if (this.#all.size === 0) await this.#startSpare();
  }

  /**
   * Returns an idle worker, or a new one.
   * @throws Problem `draining`; WorkerEnded if none starts; the signal's reason
   */
  async take(signal: AbortSignal): Promise<BuildWorker> {
    if (this.#isClosed) throw shuttingDown();
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (!idle.worker.hasEnded) return idle.worker;
    }
    const worker = this.#start();
    try {
      await Promise.race([worker.ready, aborted(signal)]);
      return worker;
    } catch (error) {
      worker.ready.then(() => this.give(worker)).catch(() => {});
      throw error;
    }
  }

  /** Takes back a worker that can be used again. */
  give(worker: BuildWorker): void {
    if (worker.hasEnded || this.#isClosed) {
      worker.process.kill();
      return;
    }
    this.#idle.push({ worker, sinceMs: performance.now() });
    this.#sweeping ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    this.onChange();
  }

  /** Whether more than `promised` workers are available. */
  has(promised: number): boolean {
    this.#idle = this.#idle.filter(({ worker }) => !worker.hasEnded);
    return this.#idle.length > promised || this.#hasFailed || this.#isClosed;
  }

  /** Starts one, unless some are starting. */
  want(): void {
    if (this.#starting >= STARTING || this.#isClosed) return;
    this.#startSpare().catch(() => this.onChange());
  }

  /** Ends all workers, and with them the builds under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeping);
    await Promise.all([...this.#all].map((worker) => worker.process.close()));
  }

  async #startSpare(): Promise<void> {
    const worker = this.#start();
    await worker.ready;
    this.give(worker);
  }

  #start(): BuildWorker {
    const worker = this.#processes.startWorker();
    this.#all.add(worker);
    const forget = () => this.#all.delete(worker);
    worker.process.ended.then(forget, forget);
    this.#starting++;
    const started = (hasFailed: boolean) => {
      this.#starting--;
      this.#hasFailed = hasFailed;
    };
    worker.ready.then(
      () => started(false),
      () => started(true),
    );
    return worker;
  }

  /** Ends workers that were idle for long; the oldest come first. */
  #sweep(): void {
    const nowMs = performance.now();
    const isOver = ({ sinceMs }: Idle, index: number) =>
      nowMs - sinceMs > (index === this.#idle.length - 1 ? LAST_MS : SPARE_MS);
    for (const { worker } of this.#idle.filter(isOver)) worker.process.stdin.end();
    this.#idle = this.#idle.filter((each, index) => !isOver(each, index) && !each.worker.hasEnded);
  }
}

/** Rejects with the signal's reason when it aborts. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
  });
}
