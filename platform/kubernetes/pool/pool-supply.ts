import type { KeptVersion } from "../cluster/resources.ts";
import type { Owner } from "../objects/manifests.ts";
import type { BundleCache, PackedVersion } from "./bundle-cache.ts";
import type { Pool, PoolOutcome } from "./pool.ts";

export interface Supplied {
  readonly owner: Owner;
  readonly version: KeptVersion;
  /** Absent: it is read from the ConfigMaps of the version. */
  readonly packed?: () => Promise<PackedVersion>;
}

export interface SupplyCall {
  /** The pod is given up when it aborts before it was adopted. */
  readonly signal: AbortSignal;
  readonly onStep?: (step: "claim" | "load") => void;
}

/** Gives versions instances from the pool. */
export class PoolSupply {
  readonly #pool: Pool;
  readonly #bundles: BundleCache;

  constructor(pool: Pool, bundles: BundleCache) {
    this.#pool = pool;
    this.#bundles = bundles;
  }

  /** Pods that could be claimed now. */
  get free(): number {
    return this.#pool.free;
  }

  /** Resolves with `claimed` when a pod of the pool serves the version. */
  one({ owner, version, packed }: Supplied, call: SupplyCall): Promise<PoolOutcome> {
    const read = () => this.#bundles.read({ ...owner, version: version.version }, call.signal);
    const wanted = { owner, version: version.version, needs: version, packed: packed ?? read };
    return this.#pool.supply({ ...call, ...wanted });
  }

  /** Resolves with true when as many pods of the pool serve the version, with false if the pool has fewer. */
  async several(count: number, supplied: Supplied, call: SupplyCall): Promise<boolean> {
    const asked = Math.max(1, Math.min(count, this.free));
    const outcomes = await Promise.all(Array.from({ length: asked }, () => this.one(supplied, call)));
    return outcomes.filter((outcome) => outcome === "claimed").length >= count;
  }
}
