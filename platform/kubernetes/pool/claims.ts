import { LABELS } from "../names.ts";
import { isTerminating } from "../pod-state.ts";
import type { Pod } from "../resources.ts";

/** States of a pod that came out of the pool and has not arrived. */
const UNFINISHED = new Set(["claimed", "loaded", "spent"]);

/**
 * How long pods have been claimed, as far as this program has seen it: whoever claimed one has a clock of its own, which
 * may be wrong by any time. A new leader counts anew, so that a claim lasts longer then and never shorter.
 */
export class Claims {
  readonly #mostMs: number;
  /** By uid, when a pod was first seen claimed. */
  #sinceMs: ReadonlyMap<string, number> = new Map();

  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  /**
   * Of all pods there are, those that were given up, or are claimed for so long that nobody can be at work on them.
   * `nowMs` is monotonic.
   */
  abandoned(pods: Iterable<Pod>, nowMs: number): Pod[] {
    const sinceMs = new Map<string, number>();
    const abandoned: Pod[] = [];
    for (const pod of pods) {
      const { labels, uid = "" } = pod.metadata;
      const state = labels?.[LABELS.pool] ?? "";
      if (isTerminating(pod) || !UNFINISHED.has(state)) continue;
      const firstMs = this.#sinceMs.get(uid) ?? nowMs;
      sinceMs.set(uid, firstMs);
      if (state === "spent" || nowMs - firstMs > this.#mostMs) abandoned.push(pod);
    }
    this.#sinceMs = sinceMs;
    return abandoned;
  }
}
