import { seededRandom } from "../../../../support/seeded-random.ts";

/** Draws random values: the same ones for the same seed. */
export class Draw {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A whole number from 0 up to `below`, which is not drawn. */
  int(below: number): number {
    return Math.floor(this.#next() * below);
  }

  between(least: number, most: number): number {
    return least + this.int(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }

  /** As many values as `count`, each drawn by itself. */
  times<T>(count: number, draw: () => T): T[] {
    return Array.from({ length: count }, draw);
  }

  seed(): number {
    return this.int(2 ** 32);
  }
}
