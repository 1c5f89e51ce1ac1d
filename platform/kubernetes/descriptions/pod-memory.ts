import type { Cluster } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { KINDS, type PodMetrics } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";

const MIB = 1024 ** 2;
/** Metrics servers measure every 15 s by default. */
const EVERY_MS = 10_000;
/** Callers wait for a new answer if the last one is older. */
const USABLE_MS = 60_000;
/** The longest wait for an answer. */
const ANSWER_MS = 2_000;
/** The pause after a failure. */
const FAILED_MS = 60_000;
/** The pause if the cluster has no metrics API or refuses access to it. */
const ABSENT_MS = 300_000;

export interface PodMemoryOptions extends Cluster {
  readonly print?: ((line: string) => void) | undefined;
  /** A clock that never jumps, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Reads the memory of all pods of functions with one request to the metrics API of the cluster, at most every 10 s and only
 * on demand. Without that API the memory is unknown.
 */
export class PodMemory {
  readonly #options: PodMemoryOptions;
  readonly #now: () => number;
  #known: { readonly atMs: number; readonly byName: ReadonlyMap<string, number> } | undefined;
  #nextMs = 0;
  #asking: Promise<void> | undefined;
  #isFailing = false;

  constructor(options: PodMemoryOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Returns memory in MiB by the name of the pod; undefined if it is not known. Waits for two seconds at most. */
  async read(): Promise<ReadonlyMap<string, number> | undefined> {
    if (this.#asking === undefined && this.#now() >= this.#nextMs) {
      this.#asking = this.#ask().finally(() => {
        this.#asking = undefined;
      });
    }
    if (!this.#isUsable()) await this.#asking;
    return this.#isUsable() ? this.#known?.byName : undefined;
  }

  #isUsable(): boolean {
    return this.#known !== undefined && this.#now() - this.#known.atMs < USABLE_MS;
  }

  /** Never rejects: a function is described without its memory as well. */
  async #ask(): Promise<void> {
    const { api, namespace, print } = this.#options;
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      const place = { kind: KINDS.podMetrics, namespace };
      const { items } = await api.list<PodMetrics>(place, LABELS.function, { signal });
      this.#known = {
        atMs: this.#now(),
        byName: new Map(items.map((pod) => [pod.metadata.name, sumOf(pod)])),
      };
      this.#nextMs = this.#now() + EVERY_MS;
      this.#isFailing = false;
    } catch (error) {
      this.#nextMs = this.#now() + (hasStatus(error, 403, 404) ? ABSENT_MS : FAILED_MS);
      if (!this.#isFailing) print?.(`the memory of instances is not known: ${(error as Error).message}`);
      this.#isFailing = true;
    }
  }
}

function sumOf({ containers = [] }: PodMetrics): number {
  return containers.reduce((sum, { usage }) => sum + bytesOf(usage.memory ?? "0"), 0) / MIB;
}

const UNITS = "KMGTPE";

/** Reads a quantity of Kubernetes, such as `51724Ki`. @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
export function bytesOf(quantity: string): number {
  const [, digits = "0", unit = "", binary] = /^([\d.]+(?:[eE]\d+)?)([mkKMGTPE]?)(i?)$/.exec(quantity) ?? [];
  if (unit === "m") return Number(digits) / 1_000;
  const power = unit === "" ? 0 : UNITS.indexOf(unit.toUpperCase()) + 1;
  return Number(digits) * (binary ? 1_024 : 1_000) ** power;
}
