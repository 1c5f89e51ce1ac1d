import { Problem } from "../../problems.ts";
import { formatMs } from "../../quantity.ts";
import { FREE_SPACE, isDiskFull } from "../../shortage.ts";

const ERRORS_KEPT = 10;
const FIRST_MS = 200;
const LONGEST_MS = 10_000;
/** An instance that was ready for this long has proved that it works. */
export const HEALTHY_AFTER_MS = 10_000;

/** Wait before the next start after `failures` instances in a row broke: none after the first. */
export function backoffMs(failures: number): number {
  return failures <= 1 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 2));
}

/** One that people read about. */
export interface Failure {
  readonly at: Date;
  readonly message: string;
}

/** The last failures of all versions of a function, newest last. They stay when they are forgiven. */
export class FailureList {
  readonly #failures: Failure[] = [];

  get all(): readonly Failure[] {
    return this.#failures;
  }

  add(failure: Failure): void {
    this.#failures.push(failure);
    if (this.#failures.length > ERRORS_KEPT) this.#failures.shift();
  }
}

/** Instances of one version that broke in a row, and when the next may be started. Times are monotonic. */
export class Failures {
  readonly #list: FailureList;
  #inARow = 0;
  #retryAtMs = 0;
  #last = "";
  /** The last one broke because the disk was full. */
  #isDiskFull = false;

  constructor(list: FailureList) {
    this.#list = list;
  }

  /** @param cause the error of the system, if there was one */
  add(failure: Failure, nowMs: number, cause?: unknown): void {
    this.#isDiskFull = isDiskFull(cause);
    this.#inARow++;
    this.#retryAtMs = nowMs + backoffMs(this.#inARow);
    this.#last = failure.message;
    this.#list.add(failure);
  }

  forgive(): void {
    this.#inARow = 0;
    this.#retryAtMs = 0;
  }

  /** Time until the next start is due, in milliseconds; 0 when it is. */
  waitMs(nowMs: number): number {
    return Math.max(0, Math.ceil(this.#retryAtMs - nowMs));
  }

  /** In a person's words; undefined when nothing stands in the way of a start. */
  describe(nowMs: number): string | undefined {
    const waitMs = this.waitMs(nowMs);
    if (waitMs === 0) return undefined;
    return `It broke ${this.#inARow} times in a row; the next start is in ${formatMs(waitMs)}. Last: ${this.#last}`;
  }

  /** The answer to those who wait for an instance of the function. */
  problem(name: string, nowMs: number): Problem<"no_capacity"> {
    const retryAfterS = Math.max(1, Math.ceil(this.waitMs(nowMs) / 1_000));
    const why = this.#isDiskFull ? `the disk is full: ${FREE_SPACE}` : "its log says why";
    const detail = `The function "${name}" does not start; ${why}. Try again in ${retryAfterS} s.`;
    return new Problem("no_capacity", detail, { retryAfterS });
  }
}
