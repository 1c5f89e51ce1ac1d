import { Sealer, type SealKeys } from "../../../client-image/sealed.ts";
import type { Limits } from "../../limits.ts";
import type { Cluster } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { type KeptVersion, KINDS, type Place, type Pod, type ReplicaSet } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import type { Owner } from "../objects/manifests.ts";
import { LABELS, POOL_NAME, PORT } from "../objects/names.ts";
import { isReady } from "../objects/pod-state.ts";
import { BundleCache, type PackedVersion } from "./bundle-cache.ts";
import { fitsPool, sealLoad, sendLoad } from "./pool-load.ts";
import { adoptionPatch, claimPatch, loadedPatch, spentPatch } from "./pool-patches.ts";

/**
 * Outcome of a claim: `claimed` a pod that takes calls; `empty`; `settings` that no pod of the pool has; `failed` to claim
 * or load a pod; `off` without a pool. After all but `claimed` the version starts its own pods.
 */
export type PoolOutcome = "claimed" | "empty" | "settings" | "failed" | "off";

/** Pods to try before the pool counts as empty: other programs claim at the same time. */
const TRIES = 4;
/** Deadline for a pod to load its function; starting an own pod takes about half a second. */
const LOAD_MS = 3_000;
/** Deadline for a ReplicaSet that needs the pod. */
const ADOPT_MS = 20_000;

/** A version that needs an instance. */
export interface Supplied {
  readonly owner: Owner;
  readonly version: KeptVersion;
  /** Content of the version; read from its ConfigMaps by default. */
  readonly packed?: () => Promise<PackedVersion>;
}

export interface SupplyOptions {
  /** Gives the pod up if it aborts before the adoption. */
  readonly signal: AbortSignal;
  readonly onStep?: (step: "claim" | "load") => void;
}

type Wanted = Supplied & SupplyOptions;

export interface PoolOptions extends Cluster {
  readonly limits: Limits;
  readonly keys: SealKeys;
  readonly endpoints: EndpointsMirror;
  /** Prints one line for people. */
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes | undefined;
  /** For tests without pods: sends a pod its function. */
  readonly send?: typeof sendLoad | undefined;
}

interface Claimed {
  readonly pod: Pod;
  /** The message with its function. */
  readonly sealed: Promise<Uint8Array>;
}

/** Starts versions in the unassigned pods of the pool. Every manager and router has one. */
export class Pool {
  readonly outcomes: Record<PoolOutcome, number> = { claimed: 0, empty: 0, settings: 0, failed: 0, off: 0 };
  readonly #options: PoolOptions;
  readonly #bundles: BundleCache;
  readonly #free: Mirror<Pod>;
  /** ReplicaSets of the pool's Deployment. The leader alone has the setting SKIFF_POOL. */
  readonly #sets: Mirror<ReplicaSet>;
  /** Pods that this program has claimed or tries to claim: two calls must not try the same pod. */
  readonly #taken = new Set<string>();
  readonly #sealer: Sealer;
  readonly #closing = new AbortController();
  readonly #adoptions = new Set<Promise<void>>();

  constructor(options: PoolOptions) {
    this.#options = options;
    const { api, namespace, keys, print, times } = options;
    this.#sealer = new Sealer(keys);
    this.#bundles = new BundleCache(options);
    const onTrouble = (reason: string) => print(`the pool cannot be watched: ${reason}`);
    this.#sets = new Mirror<ReplicaSet>({
      api,
      onTrouble,
      times,
      place: { kind: KINDS.replicaSets, namespace },
      labelSelector: `${LABELS.app}=${POOL_NAME}`,
    });
    this.#free = new Mirror<Pod>({
      api,
      onTrouble,
      times,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.pool}=free`,
      onChange: (_, pod) => {
        if (!pod) this.#forgetTaken();
      },
    });
  }

  get synced(): Promise<unknown> {
    return Promise.all([this.#free.synced, this.#sets.synced]);
  }

  stats(): { outcomes: Readonly<Record<PoolOutcome, number>>; free: number } {
    return { outcomes: { ...this.outcomes }, free: this.free };
  }

  /** Pods that could be claimed now. */
  get free(): number {
    return this.#candidates().length;
  }

  /**
   * Claims a pod for a version and loads it. Resolves with `claimed` when the pod takes calls and is in the endpoints. The
   * ReplicaSet of the version adopts the pod as soon as it needs one.
   */
  async supply(supplied: Supplied, options: SupplyOptions): Promise<PoolOutcome> {
    const outcome = await this.#supply({ ...supplied, ...options });
    this.outcomes[outcome]++;
    return outcome;
  }

  /** Resolves with true when `count` pods of the pool serve the version; with false if the pool has fewer. */
  async supplyMany(count: number, supplied: Supplied, options: SupplyOptions): Promise<boolean> {
    const claims = Math.max(1, Math.min(count, this.free));
    const outcomes = await Promise.all(Array.from({ length: claims }, () => this.supply(supplied, options)));
    return outcomes.filter((outcome) => outcome === "claimed").length >= count;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#adoptions);
    await Promise.all([this.#free.close(), this.#sets.close()]);
  }

  /** False until the ReplicaSets are listed. */
  get #isOff(): boolean {
    return this.#sets.isSynced && ![...this.#sets.values()].some(({ spec }) => (spec.replicas ?? 0) > 0);
  }

  async #supply(wanted: Wanted): Promise<PoolOutcome> {
    const { owner } = wanted;
    const { version } = wanted.version;
    const { send = sendLoad, print, endpoints, limits } = this.#options;
    if (!fitsPool(wanted.version, limits)) return this.#isOff ? "off" : "settings";
    let claimed: Claimed | undefined;
    try {
      claimed = await this.#claim(wanted);
    } catch (error) {
      if (!wanted.signal.aborted)
        print(`${owner.name}: no pod of the pool could be claimed: ${(error as Error).message}`);
      return "failed";
    }
    if (!claimed) return this.#isOff ? "off" : "empty";
    wanted.onStep?.("claim");
    const { pod, sealed } = claimed;
    const address = { host: pod.status!.podIP!, port: PORT };
    const id = pod.metadata.uid!;
    const signal = AbortSignal.any([wanted.signal, this.#closing.signal, AbortSignal.timeout(LOAD_MS)]);
    try {
      await send(await sealed, { address, version, signal });
      this.#checkOwner(owner);
    } catch (error) {
      print(`${owner.name}: a pod of the pool could not load it: ${(error as Error).message}`);
      await this.#giveUp(pod);
      return "failed";
    }
    wanted.onStep?.("load");
    endpoints.addEarly(owner.name, { id, address, version });
    this.#adoptInBackground(pod, wanted);
    return "claimed";
  }

  /** The API server applies the first patch for a pod; other programs try the next pod. */
  async #claim(wanted: Wanted): Promise<Claimed | undefined> {
    const { owner, version, signal } = wanted;
    const read = () => this.#bundles.read({ ...owner, version: version.version }, signal);
    let packed: Promise<PackedVersion> | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const pod = anyOf(this.#candidates());
      if (!pod) return undefined;
      const uid = pod.metadata.uid!;
      this.#taken.add(uid);
      packed ??= (wanted.packed ?? read)();
      const sealed = this.#seal(packed, wanted, uid);
      // Awaited after the claim, or never.
      sealed.catch(() => {});
      try {
        const patch = claimPatch(pod, owner);
        const claimed = await this.#options.api.patchJson<Pod>(this.#place(pod), patch, { signal });
        return { pod: claimed, sealed };
      } catch (error) {
        if (hasStatus(error, 404, 409, 422)) continue;
        this.#taken.delete(uid);
        throw error;
      }
    }
    return undefined;
  }

  async #seal(packed: Promise<PackedVersion>, { owner, version }: Wanted, uid: string): Promise<Uint8Array> {
    const { limits } = this.#options;
    const load = { ...(await packed), name: owner.name, version: version.version };
    return await sealLoad(load, { uid, sealer: this.#sealer, limits });
  }

  #adoptInBackground(pod: Pod, wanted: Wanted): void {
    const { print, endpoints } = this.#options;
    const { name } = wanted.owner;
    const adopted = this.#adopt(pod, wanted)
      .catch(async (error: unknown) => {
        endpoints.dropEarly(name, pod.metadata.uid!);
        if (!wanted.signal.aborted && !this.#closing.signal.aborted) {
          print(`${name}: a pod of the pool could not be adopted: ${(error as Error).message}`);
        }
        await this.#giveUp(pod);
      })
      .finally(() => this.#adoptions.delete(adopted));
    this.#adoptions.add(adopted);
  }

  async #adopt(pod: Pod, { owner, version: { version }, signal }: Wanted): Promise<void> {
    const { api, namespace } = this.#options;
    const { name } = owner;
    await api.patchJson<Pod>(this.#place(pod), loadedPatch(pod, { name, version }), { signal });
    const until = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(ADOPT_MS)]);
    const { promise, resolve, reject } = Promise.withResolvers<ReplicaSet>();
    const stop = () => reject(until.reason);
    until.addEventListener("abort", stop);
    if (until.aborted) stop();
    const sets = new Mirror<ReplicaSet>({
      api,
      place: { kind: KINDS.replicaSets, namespace },
      labelSelector: `${LABELS.function}=${name},${LABELS.version}=${version}`,
      // A ReplicaSet with 0 replicas would delete an adopted pod.
      onChange: (_, set) => {
        if (set && (set.spec.replicas ?? 0) > 0) resolve(set);
      },
    });
    try {
      const replicaSet = await promise;
      this.#checkOwner(owner);
      await api.patchJson<Pod>(this.#place(pod), adoptionPatch(pod, replicaSet));
    } finally {
      until.removeEventListener("abort", stop);
      await sets.close();
    }
  }

  /**
   * The pods of a deleted Function exist for a while, and a new Function of its name numbers its versions from 1 again.
   * @throws Error if the Function is another one now
   */
  #checkOwner({ name, uid }: Owner): void {
    const now = this.#options.endpoints.functions.get(name)?.metadata.uid;
    if (now !== undefined && now !== uid) throw new Error("its Function was deleted and created again");
  }

  /**
   * Marks the pod as spent, and the leader deletes it. If that fails, the leader deletes it as an abandoned claim. A failed
   * patch may have been applied, so both states are tried.
   */
  async #giveUp(pod: Pod): Promise<void> {
    const { api, print } = this.#options;
    for (const state of ["claimed", "loaded"] as const) {
      try {
        return void (await api.patchJson(this.#place(pod), spentPatch(pod, state)));
      } catch (error) {
        if (hasStatus(error, 422)) continue;
        if (hasStatus(error, 404)) return;
        return print(`the pod ${pod.metadata.name} could not be given up: ${(error as Error).message}`);
      }
    }
  }

  #candidates(): Pod[] {
    return [...this.#free.values()].filter((pod) => {
      return isReady(pod) && pod.status?.podIP !== undefined && !this.#taken.has(pod.metadata.uid!);
    });
  }

  #place({ metadata }: Pod): Place {
    return { kind: KINDS.pods, namespace: this.#options.namespace, name: metadata.name };
  }

  /** Forgets pods that have left the pool, so that the set stays small. */
  #forgetTaken(): void {
    const free = new Set([...this.#free.values()].map(({ metadata }) => metadata.uid));
    for (const uid of this.#taken) if (!free.has(uid)) this.#taken.delete(uid);
  }
}

/** Chooses at random, so that programs rarely choose the same pod. */
function anyOf(pods: readonly Pod[]): Pod | undefined {
  return pods[Math.floor(Math.random() * pods.length)];
}
