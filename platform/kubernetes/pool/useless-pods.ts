import type { Pod } from "../cluster/resources.ts";
import { CONTAINER, LABELS } from "../objects/names.ts";
import { isReady, isTerminating } from "../objects/pod-state.ts";

/** States of a pod that left the pool and was not adopted. */
const UNFINISHED = new Set(["claimed", "loaded", "spent"]);

const GIVEN_UP = "it was claimed for a function and not used";
const KEYLESS = "its container restarted before it had a function, and its key is gone";

export interface UselessOptions {
  /** Age in milliseconds at which a claim is abandoned. */
  readonly claimMs: number;
  /** Time in milliseconds for which a free pod that has lost its key is kept. */
  readonly keylessMs: number;
}

export interface UselessPod {
  readonly pod: Pod;
  readonly why: string;
}

/**
 * Finds pods that nobody can use. Ages count from the first observation by this program, because the clock of the
 * claiming program may be wrong. A new leader counts from zero, so that a claim lasts longer and never shorter.
 */
export class UselessPods {
  readonly #options: UselessOptions;
  /** Time of the first observation, by uid and reason. */
  #sinceMs: ReadonlyMap<string, number> = new Map();

  constructor(options: UselessOptions) {
    this.#options = options;
  }

  /** Returns the useless ones of all pods. `nowMs` is monotonic. */
  among(pods: Iterable<Pod>, nowMs: number): UselessPod[] {
    const sinceMs = new Map<string, number>();
    const useless: UselessPod[] = [];
    for (const pod of pods) {
      const found = this.#reason(pod);
      if (!found) continue;
      const { why, mostMs } = found;
      const id = `${pod.metadata.uid} ${why}`;
      const firstMs = this.#sinceMs.get(id) ?? nowMs;
      sinceMs.set(id, firstMs);
      if (mostMs === 0 || nowMs - firstMs > mostMs) useless.push({ pod, why });
    }
    this.#sinceMs = sinceMs;
    return useless;
  }

  #reason(pod: Pod): { why: string; mostMs: number } | undefined {
    if (isTerminating(pod)) return undefined;
    const { claimMs, keylessMs } = this.#options;
    const state = pod.metadata.labels?.[LABELS.pool] ?? "";
    if (UNFINISHED.has(state)) return { why: GIVEN_UP, mostMs: state === "spent" ? 0 : claimMs };
    return state === "free" && isKeyless(pod) ? { why: KEYLESS, mostMs: keylessMs } : undefined;
  }
}

/** A process reads the key once, and a pod without a key is never ready. Only a restart of the whole pod renews the key. */
function isKeyless(pod: Pod): boolean {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  return (status?.restartCount ?? 0) > 0 && !isReady(pod);
}
