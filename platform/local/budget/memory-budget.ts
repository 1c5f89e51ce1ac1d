import { Problem } from "../../problems.ts";
import { type IdleInstance, toEvict } from "./to-evict.ts";

/** Starts that wait for memory; more are refused at once. */
const MOST_WAITING = 1_000;
const RETRY_AFTER_S = 5;
/** An instance that is not ready counts with its estimate for so long; one that hangs counts what it has. */
const STARTING_MS = 2_000;
/** What is kept free while there are idle instances to stop, so that the next start does not wait for one's end. */
const SPARE = { share: 1 / 16, leastMiB: 32, mostShare: 1 / 4 };

/** An instance that has a process. Times are monotonic. */
export interface Counted {
  /** As it was measured last; undefined where the system does not say. */
  readonly usedMiB: number | undefined;
  /** What it was expected to need when it was started. */
  readonly expectedMiB: number;
  readonly startedAtMs: number;
  readonly readyAtMs: number | undefined;
  readonly ended: Promise<void>;
}

export interface EvictableInstance extends IdleInstance {
  readonly instance: Counted;
  /** Takes it out of the endpoints and lets it end. */
  stop(): void;
}

export interface BudgetOptions {
  readonly budgetMiB: number;
  /** Longest wait of a start for memory. */
  readonly waitMs: number;
  /** Every instance that has a process, also the starting and the draining ones. */
  readonly instances: () => Iterable<Counted>;
  readonly idle: () => Iterable<EvictableInstance>;
}

export interface TakeOptions {
  readonly neededMiB: number;
  /** It waits for its turn; otherwise it is refused when there is no room now. */
  readonly waits: boolean;
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly neededMiB: number;
  readonly resolve: () => void;
}

/**
 * The memory that all instances have together. A start takes what it is expected to need; when that is not there, the
 * instances that have been idle longest are stopped for it, and it waits in order until they have ended.
 */
export class MemoryBudget {
  readonly #options: BudgetOptions;
  readonly #spareMiB: number;
  /** Given to starts that have no process yet. */
  #promisedMiB = 0;
  readonly #waiting: Waiter[] = [];
  /** Stopped here, and not ended yet. */
  readonly #leaving = new Set<Counted>();

  constructor(options: BudgetOptions) {
    this.#options = options;
    const { budgetMiB } = options;
    this.#spareMiB = Math.min(budgetMiB * SPARE.mostShare, Math.max(budgetMiB * SPARE.share, SPARE.leastMiB));
  }

  /**
   * Runs `start` when there is memory for it; what it promises is counted as the instance's own from then on.
   * @throws Problem `no_capacity` when there is none, the signal's reason
   */
  async run<T>({ neededMiB, waits, signal }: TakeOptions, start: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && this.#fits(neededMiB)) this.#promisedMiB += neededMiB;
    else if (waits) await this.#turn(neededMiB, signal);
    else {
      if (this.#waiting.length === 0) this.#makeRoom(neededMiB);
      throw this.#usedUp();
    }
    try {
      return await start();
    } finally {
      this.#promisedMiB -= neededMiB;
      this.check();
    }
  }

  /** Lets those go on for whom there is memory now. Call it when an instance has ended or become ready, and often. */
  check(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#fits(next.neededMiB)) {
        // For all who wait: an instance takes its time to end, and one after the other would take that many times.
        this.#makeRoom(this.#waiting.reduce((sum, { neededMiB }) => sum + neededMiB, 0));
        return;
      }
      this.#promisedMiB += next.neededMiB;
      this.#waiting.shift();
      next.resolve();
    }
    this.#makeRoom(this.#spareMiB, false);
  }

  /** What all instances hold and are expected to need soon, in MiB. */
  get usedMiB(): number {
    let sum = this.#promisedMiB;
    for (const instance of this.#options.instances()) sum += countedMiB(instance);
    return sum;
  }

  /** An instance that is larger than the budget runs when it is alone. */
  #fits(neededMiB: number): boolean {
    const { usedMiB } = this;
    return usedMiB === 0 || usedMiB + neededMiB <= this.#options.budgetMiB;
  }

  /** @param evictsKept also instances that `min` keeps */
  #makeRoom(neededMiB: number, evictsKept = true): void {
    let shortMiB = this.usedMiB + neededMiB - this.#options.budgetMiB;
    for (const instance of this.#leaving) shortMiB -= countedMiB(instance);
    if (shortMiB <= 0) return;
    const idle = [...this.#options.idle()].filter(({ isKept }) => evictsKept || !isKept);
    for (const { instance, stop } of toEvict(shortMiB, idle)) {
      this.#leaving.add(instance);
      void instance.ended.then(() => this.#leaving.delete(instance));
      stop();
    }
  }

  #turn(neededMiB: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) throw this.#usedUp();
    return new Promise((resolve, reject) => {
      const leave = (why: unknown) => {
        const at = this.#waiting.indexOf(waiter);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        settle();
        reject(why);
        this.check();
      };
      const aborted = () => leave(signal.reason);
      const timer = setTimeout(() => leave(this.#usedUp()), this.#options.waitMs);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
      };
      const waiter: Waiter = {
        neededMiB,
        resolve: () => {
          settle();
          resolve();
        },
      };
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(waiter);
      this.check();
    });
  }

  #usedUp(): Problem<"no_capacity"> {
    const { budgetMiB } = this.#options;
    const used = `${Math.round(this.usedMiB)} of ${Math.round(budgetMiB)} MiB (limit SKIFF_MEMORY)`;
    return new Problem(
      "no_capacity",
      `The memory of all functions is used up by instances that have calls: ${used}. Try again in ${RETRY_AFTER_S} s.`,
      { retryAfterS: RETRY_AFTER_S, setting: "SKIFF_MEMORY" },
    );
  }
}

function countedMiB({ usedMiB, expectedMiB, startedAtMs, readyAtMs }: Counted): number {
  if (usedMiB === undefined) return expectedMiB;
  const isStarting = readyAtMs === undefined && performance.now() - startedAtMs < STARTING_MS;
  return isStarting ? Math.max(usedMiB, expectedMiB) : usedMiB;
}
