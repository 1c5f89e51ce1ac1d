import { WaitingList } from "../../../process/waiting-list.ts";
import { Problem } from "../../problems.ts";
import type { Settings } from "../../settings/settings.ts";

/** Starts that wait for memory; more are rejected at once. */
const MOST_WAITING = 1_000;
const RETRY_AFTER_S = 5;
/** An instance counts with its estimate until it is ready, at most this long. Then it counts with its real memory. */
const STARTING_MS = 2_000;
/** Memory that is kept free by stopping idle instances, so that the next start need not wait for one to end. */
const SPARE = { share: 1 / 16, leastMiB: 32, mostShare: 1 / 4 };
/** Memory of Deno and a small function after the start, with a margin. */
const LEAST_MIB = 16;

/** An instance that has a process. Times are monotonic. */
export interface Counted {
  /** The last measurement; undefined where the system does not report memory. */
  readonly usedMiB: number | undefined;
  /** The estimate at its start. */
  readonly expectedMiB: number;
  readonly startedAtMs: number;
  readonly readyAtMs: number | undefined;
  readonly ended: Promise<void>;
}

/** An instance without a call that can be stopped to free memory. */
export interface EvictableInstance {
  readonly instance: Counted;
  readonly usedMiB: number;
  /** Time since its function had a call. */
  readonly idleForMs: number;
  /** Whether its function would have fewer than `min` instances without it. */
  readonly isKept: boolean;
  /** Removes it from the endpoints and lets it end. */
  stop(): void;
}

export interface BudgetOptions {
  readonly budgetMiB: number;
  /** Longest wait of a start for memory. */
  readonly waitMs: number;
  /** Every instance that has a process, starting and draining ones included. */
  readonly instances: () => Iterable<Counted>;
  readonly idle: () => Iterable<EvictableInstance>;
}

export interface TakeOptions {
  readonly neededMiB: number;
  /** False rejects the start if there is no room now. */
  readonly waits: boolean;
  /** The instance is for a pool: it is rejected without memory to spare, and stops no other one. */
  readonly isSpare?: boolean | undefined;
  readonly signal: AbortSignal;
}

/**
 * The memory budget of all instances together. A start reserves its estimate. If the budget is used up, the instances
 * that have been idle longest are stopped, and starts wait in order of arrival until those have ended.
 */
export class MemoryBudget {
  readonly #options: BudgetOptions;
  readonly #spareMiB: number;
  /** Reserved for starts that have no process yet. */
  #promisedMiB = 0;
  /** The needs of the waiting starts. */
  readonly #waiting = new WaitingList<number>();
  /** Stopped by this budget, and still running. */
  readonly #leaving = new Set<Counted>();

  constructor(options: BudgetOptions) {
    this.#options = options;
    const { budgetMiB } = options;
    this.#spareMiB = Math.min(budgetMiB * SPARE.mostShare, Math.max(budgetMiB * SPARE.share, SPARE.leastMiB));
  }

  /**
   * Runs `start` when there is memory for it. When it settles, the new instance counts instead of the reservation.
   * @throws Problem `no_capacity` without memory; the signal's reason
   */
  async run<T>({ neededMiB, waits, isSpare, signal }: TakeOptions, start: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    // Pools of several functions would stop the instances of each other without end.
    if (isSpare && !this.hasRoom(neededMiB + this.#spareMiB)) throw this.#usedUp();
    if (this.hasRoom(neededMiB)) this.#promisedMiB += neededMiB;
    else if (waits) await this.#turn(neededMiB, signal);
    else {
      if (this.#waiting.size === 0) this.#makeRoom(neededMiB);
      throw this.#usedUp();
    }
    try {
      return await start();
    } finally {
      this.#promisedMiB -= neededMiB;
      this.check();
    }
  }

  /** Whether a start would be admitted at once. */
  hasRoom(neededMiB: number): boolean {
    return this.#waiting.size === 0 && this.#fits(neededMiB);
  }

  /** Admits waiting starts that fit. Call it when an instance has ended or become ready, and a few times a second. */
  check(): void {
    for (const neededMiB of this.#waiting) {
      if (!this.#fits(neededMiB)) {
        // Makes room for all waiting starts at once, because an instance takes time to end.
        this.#makeRoom([...this.#waiting].reduce((sum, each) => sum + each, 0));
        return;
      }
      this.#promisedMiB += neededMiB;
      this.#waiting.admit();
    }
    this.#makeRoom(this.#spareMiB, false);
  }

  /** Memory of all instances and reservations, in MiB. */
  get usedMiB(): number {
    let sum = this.#promisedMiB;
    for (const instance of this.#options.instances()) sum += countedMiB(instance);
    return sum;
  }

  /** An instance that is larger than the budget fits when it is alone. */
  #fits(neededMiB: number): boolean {
    const { usedMiB } = this;
    return usedMiB === 0 || usedMiB + neededMiB <= this.#options.budgetMiB;
  }

  /** @param evictsKept whether instances that `min` keeps may be stopped */
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

  async #turn(neededMiB: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= MOST_WAITING) throw this.#usedUp();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(this.#usedUp()), this.#options.waitMs);
    const turn = this.#waiting.wait(neededMiB, AbortSignal.any([signal, late.signal]));
    try {
      this.check();
      await turn;
    } catch (error) {
      // The next start may need less.
      this.check();
      throw error;
    } finally {
      clearTimeout(timer);
    }
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

/** Estimates the memory of the next instance of a version from former ones. */
export class ExpectedMemory<V extends { readonly settings: Pick<Settings, "memoryMiB"> }> {
  readonly #lastMiB = new WeakMap<V, number>();

  /** Records the memory of an instance of the version. */
  saw(version: V, usedMiB: number): void {
    this.#lastMiB.set(version, usedMiB);
  }

  /** In MiB: the last record, at least the minimum of any function, at most the setting. */
  of(version: V): number {
    return Math.min(version.settings.memoryMiB, Math.max(LEAST_MIB, this.#lastMiB.get(version) ?? 0));
  }
}

/**
 * Returns the instances to stop in order to free `shortMiB`: longest idle first, those that `min` keeps last. All of
 * them together may free less.
 */
export function toEvict<I extends Omit<EvictableInstance, "instance" | "stop">>(
  shortMiB: number,
  idle: Iterable<I>,
): I[] {
  const order = [...idle].sort(
    (a, b) => Number(a.isKept) - Number(b.isKept) || b.idleForMs - a.idleForMs || b.usedMiB - a.usedMiB,
  );
  const evicted: I[] = [];
  let freedMiB = 0;
  for (const instance of order) {
    if (freedMiB >= shortMiB) break;
    evicted.push(instance);
    freedMiB += instance.usedMiB;
  }
  return evicted;
}

function countedMiB({ usedMiB, expectedMiB, startedAtMs, readyAtMs }: Counted): number {
  if (usedMiB === undefined) return expectedMiB;
  const isStarting = readyAtMs === undefined && performance.now() - startedAtMs < STARTING_MS;
  return isStarting ? Math.max(usedMiB, expectedMiB) : usedMiB;
}
