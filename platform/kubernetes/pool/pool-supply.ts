import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import type { FunctionResource } from "../cluster/resources.ts";
import { checkedSettings } from "../objects/function-spec.ts";
import { publishingSince } from "../objects/function-state.ts";
import type { Owner } from "../objects/manifests.ts";
import type { WholeDraft } from "../versions/versions.ts";
import type { BundleCache } from "./bundle-cache.ts";
import type { Pool, PoolOutcome } from "./pool.ts";

export interface SupplyOptions {
  readonly pool: Pool;
  readonly bundles: BundleCache;
  readonly limits: Limits;
}

export interface SupplyCall {
  /** The pod is given up when it aborts before it was adopted. */
  readonly signal: AbortSignal;
  readonly onStep?: (step: "claim" | "load") => void;
}

export interface NewVersion {
  readonly version: number;
  readonly draft: WholeDraft;
  readonly owner: Owner;
}

/** Instances from the pool, for those who need one: a function that sleeps, a version that is being deployed. */
export class PoolSupply {
  readonly #options: SupplyOptions;

  constructor(options: SupplyOptions) {
    this.#options = options;
  }

  /** Pods that could be claimed now. */
  get free(): number {
    return this.#options.pool.free;
  }

  /** For the current version of a function. While a deploy is under way, that brings up its own. */
  async forSleeper(resource: FunctionResource, call: SupplyCall): Promise<PoolOutcome | undefined> {
    const { pool, bundles, limits } = this.#options;
    const { name, uid = "" } = resource.metadata;
    const { version } = resource.spec;
    if (version === undefined || publishingSince(resource) !== undefined) return undefined;
    const settings = settingsFrom(resource, limits);
    if (!settings) return undefined;
    const packed = () => bundles.read({ name, uid, version }, call.signal);
    return await pool.supply({ ...call, owner: { name, uid }, version, settings, packed });
  }

  /** For a version that is being stored. */
  async forVersion({ version, draft, owner }: NewVersion, call: SupplyCall): Promise<PoolOutcome> {
    const { settings, bundle } = draft;
    const packed = async () => ({
      settings,
      bundle: await promisify<Uint8Array, Buffer>(gzip)(bundle.code),
    });
    return await this.#options.pool.supply({ ...call, owner, version, settings, packed });
  }
}

/** Undefined if somebody has applied what is not valid: the version that is stored is not what `spec` says then. */
function settingsFrom({ spec }: FunctionResource, limits: Limits) {
  try {
    return checkedSettings(spec, limits);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}
