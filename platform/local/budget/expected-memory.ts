import type { Settings } from "../../settings.ts";

/** What Deno and a small function hold after their start, and some more. */
const LEAST_MIB = 16;

/** Knows what an instance of a version needs, from those that ran before. */
export class ExpectedMemory<V extends { readonly settings: Pick<Settings, "memoryMiB"> }> {
  readonly #lastMiB = new WeakMap<V, number>();

  /** An instance of the version has ended, or is looked at: it holds so much. */
  saw(version: V, usedMiB: number): void {
    this.#lastMiB.set(version, usedMiB);
  }

  /** In MiB: what the last one had, and not less than any needs. */
  of(version: V): number {
    return Math.min(version.settings.memoryMiB, Math.max(LEAST_MIB, this.#lastMiB.get(version) ?? 0));
  }
}
