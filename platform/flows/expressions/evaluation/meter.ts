import { TooCostly } from "../fault.ts";

/** Units of an evaluation: about one for each part of the expression that runs, and for each element or 16 characters that are read or made. */
export const MAX_COST = 1_000_000;

/** Characters of a text that an expression makes. */
export const MAX_TEXT = 10 * 1024 * 1024;

/** What several evaluations cost together, in units. */
export interface Spent {
  units: number;
}

/** Counts what an evaluation costs. Expressions are written by users: without it one of them could stop the program. */
export class Meter {
  readonly #limit: number;
  #left: number;
  readonly #spent: Spent;
  /** What an evaluation makes once and uses often, such as patterns. */
  readonly made = new Map<string, unknown>();

  /** @param spent to which the cost is added */
  constructor(limit: number = MAX_COST, spent: Spent = { units: 0 }) {
    this.#limit = limit;
    this.#left = limit;
    this.#spent = spent;
  }

  /** Work that depends on values rather than on the expression, and is bounded elsewhere: it counts for the sum alone. */
  note(units: number): void {
    this.#spent.units += units;
  }

  spend(units: number): void {
    this.#left -= units;
    this.#spent.units += units;
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
