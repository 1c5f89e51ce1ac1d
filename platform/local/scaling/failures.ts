import { formatMs } from "../../quantity.ts";
import { backoffMs } from "./backoff.ts";

const ERRORS_KEPT = 10;

/** One that people read about. */
export interface Failure {
  readonly at: Date;
  readonly message: string;
}

/** Instances of one function that broke in a row, and when the next may be started. Times are monotonic. */
export class Failures {
  readonly #errors: Failure[] = [];
  #inARow = 0;
  #retryAtMs = 0;

  /** Newest last; they stay when the failures are forgiven, because people want to read them. */
  get errors(): readonly Failure[] {
    return this.#errors;
  }

  add(failure: Failure, nowMs: number): void {
    this.#inARow++;
    this.#retryAtMs = nowMs + backoffMs(this.#inARow);
    this.#errors.push(failure);
    if (this.#errors.length > ERRORS_KEPT) this.#errors.shift();
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
    const last = this.#errors.at(-1)?.message ?? "";
    return `It broke ${this.#inARow} times in a row; the next start is in ${formatMs(waitMs)}. Last: ${last}`;
  }
}
