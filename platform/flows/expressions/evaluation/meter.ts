import { TooCostly } from "../fault.ts";

/** Units of an evaluation: about one for each part of the expression that runs, and for each element or 16 characters that are read or made. */
export const MAX_COST = 1_000_000;

/** Characters of a text that an expression makes. */
export const MAX_TEXT = 10 * 1024 * 1024;

/** Counts what an evaluation costs. Expressions are written by users: without it one of them could stop the program. */
export class Meter {
  readonly #limit: number;
  #left: number;
  /** What an evaluation makes once and uses often, such as patterns. */
  readonly made = new Map<string, unknown>();

  constructor(limit: number = MAX_COST) {
    this.#limit = limit;
    this.#left = limit;
  }

  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) {
      throw new TooCostly(
        `The expression costs more than ${this.#limit} steps of evaluation. Use fewer nested macros or shorter lists, or compute it in a function.`,
      );
    }
  }

  /** For a text that is read or made. */
  spendText(length: number): void {
    if (length > MAX_TEXT) {
      throw new TooCostly(`The expression makes a text of ${length} characters; the limit is ${MAX_TEXT}.`);
    }
    this.spend(1 + (length >> 4));
  }
}
