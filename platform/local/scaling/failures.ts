import { Problem } from "../../problems.ts";
import { formatMs } from "../../quantity.ts";
import { FREE_SPACE, isDiskFull } from "../../shortage.ts";

const ERRORS_KEPT = 10;
const FIRST_MS = 200;
const LONGEST_MS = 10_000;
/** Time for which an instance must be ready to reset the back-off. */
export const HEALTHY_AFTER_MS = 10_000;

/** Returns the pause before the next start after `failures` failures in a row; none after the first. */
export function backoffMs(failures: number): number {
  return failures <= 1 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 2));
}

export interface Failure {
  readonly at: Date;
  readonly message: string;
}

/** What is known about a failure besides its text. */
export interface Circumstances {
  /** The system error, if there was one. */
  readonly cause?: unknown;
  /** When the instance that crashed became ready; absent if it never was. */
  readonly readyAtMs?: number;
}

/** Counts failures of one version in a row and sets when the next start is due. Times are monotonic. */
export class Failures {
  readonly #kept: Failure[];
  #inARow = 0;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #retryAtMs = 0;
  #last = "";
  #isDiskFull = false;

  /** @param kept receives the last failures, oldest first; shared by all versions of a function. `reset` keeps them */
  constructor(kept: Failure[]) {
    this.#kept = kept;
  }

  /** Instances that crash together count as one failure: none of them was started after the crash of another one. */
  add(failure: Failure, nowMs: number, { cause, readyAtMs }: Circumstances = {}): void {
    this.#isDiskFull = isDiskFull(cause);
    if (readyAtMs === undefined || readyAtMs > this.#lastAtMs) this.#inARow++;
    this.#lastAtMs = nowMs;
    this.#retryAtMs = nowMs + backoffMs(this.#inARow);
    this.#last = failure.message;
    this.note(failure);
  }

  /** Keeps a failure that delays no start. */
  note(failure: Failure): void {
    this.#kept.push(failure);
    if (this.#kept.length > ERRORS_KEPT) this.#kept.shift();
  }

  reset(): void {
    this.#inARow = 0;
    this.#retryAtMs = 0;
  }

  /** Time until the next start is due, in milliseconds; 0 when it is. */
  waitMs(nowMs: number): number {
    return Math.max(0, Math.ceil(this.#retryAtMs - nowMs));
  }

  /** Describes the back-off for people; undefined if a start is due. */
  describe(nowMs: number): string | undefined {
    const waitMs = this.waitMs(nowMs);
    if (waitMs === 0) return undefined;
    return `It failed ${this.#inARow} times in a row. The next start is in ${formatMs(waitMs)}. Last failure: ${this.#last}`;
  }

  /** Returns the error for the calls that wait for an instance. */
  problem(name: string, nowMs: number): Problem<"no_capacity"> {
    const retryAfterS = Math.max(1, Math.ceil(this.waitMs(nowMs) / 1_000));
    const why = this.#isDiskFull ? `the disk is full: ${FREE_SPACE}` : "its log has the reason";
    const detail = `The function "${name}" does not start; ${why}. Try again in ${retryAfterS} s.`;
    return new Problem("no_capacity", detail, { retryAfterS });
  }
}
