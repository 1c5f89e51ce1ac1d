import type { Pod } from "../cluster/resources.ts";
import { CONTAINER, LABELS } from "../objects/names.ts";
import { isReady, isTerminating } from "../objects/pod-state.ts";

/** States of a pod that came out of the pool and has not arrived. */
const UNFINISHED = new Set(["claimed", "loaded", "spent"]);

const GIVEN_UP = "it was claimed for a function and not used";
const KEYLESS = "its container was started again before it had a function, and its key is gone";

export interface UselessOptions {
  /** Age in milliseconds at which nobody can be at work on a claim any more. */
  readonly claimMs: number;
  /** Time in milliseconds for which a free pod that has lost its key is kept. */
  readonly keylessMs: number;
}

export interface UselessPod {
  readonly pod: Pod;
  readonly why: string;
}

/**
 * Finds pods that nobody can use. Their ages are counted from when this program first saw them so: whoever claimed a pod
 * has a clock of its own, which may be wrong by any time. A new leader counts anew, so that a claim lasts longer then and
 * never shorter.
 */
export class UselessPods {
  readonly #options: UselessOptions;
  /** By uid and what is wrong with it, when that was first seen. */
  #sinceMs: ReadonlyMap<string, number> = new Map();

  constructor(options: UselessOptions) {
    this.#options = options;
  }

  /** Of all pods there are. `nowMs` is monotonic. */
  among(pods: Iterable<Pod>, nowMs: number): UselessPod[] {
    const sinceMs = new Map<string, number>();
    const useless: UselessPod[] = [];
    for (const pod of pods) {
      const found = this.#look(pod);
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

  #look(pod: Pod): { why: string; mostMs: number } | undefined {
    if (isTerminating(pod)) return undefined;
    const { claimMs, keylessMs } = this.#options;
    const state = pod.metadata.labels?.[LABELS.pool] ?? "";
    if (UNFINISHED.has(state)) return { why: GIVEN_UP, mostMs: state === "spent" ? 0 : claimMs };
    return state === "free" && isKeyless(pod) ? { why: KEYLESS, mostMs: keylessMs } : undefined;
  }
}

/** A process reads the key once, and the pod is never ready without: only where the whole pod began anew is it there again. */
function isKeyless(pod: Pod): boolean {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  return (status?.restartCount ?? 0) > 0 && !isReady(pod);
}
