import { Sealer, type SealKeys } from "../../../client-image/sealed.ts";
import type { Limits } from "../../limits.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { KINDS, type Pod, type ReplicaSet } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import type { Owner } from "../objects/manifests.ts";
import { LABELS, PORT } from "../objects/names.ts";
import { isReady } from "../objects/pod-state.ts";
import type { PackedVersion } from "./bundle-cache.ts";
import { fitsPool, type PodNeeds, sealLoad, sendLoad } from "./pool-load.ts";
import { adoptionPatch, claimPatch, loadedPatch, spentPatch } from "./pool-patches.ts";
import { PoolSwitch } from "./pool-switch.ts";

/**
 * How asking the pool ended: `claimed` a pod that takes calls; `empty`; `settings` that no pod of the pool has;
 * `failed` while a pod was claimed or loaded; `off` where none is wanted. All but the first leave the function to the
 * normal way.
 */
export type PoolOutcome = "claimed" | "empty" | "settings" | "failed" | "off";

/** Pods that are tried before the pool counts as empty: others claim from it at the same time. */
const TRIES = 4;
/** A pod that has not taken its function by then is given up; the normal way takes about half a second. */
const LOAD_MS = 3_000;
/** Time for the Deployment to have a ReplicaSet that wants a pod. */
const ADOPT_MS = 20_000;

/** A version that needs an instance. */
export interface Wanted {
  readonly owner: Owner;
  readonly version: number;
  readonly needs: PodNeeds;
  /** Reads the version, while a pod is claimed. */
  readonly packed: () => Promise<PackedVersion>;
  readonly signal: AbortSignal;
  readonly onStep?: (step: "claim" | "load") => void;
}

export interface PoolOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly keys: SealKeys;
  readonly endpoints: EndpointsMirror;
  /** Takes one line for people. */
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes;
  /** How a pod is given its function; replaced where pods are none. */
  readonly send?: typeof sendLoad;
}

interface Claimed {
  readonly pod: Pod;
  /** Its function, to be sent to it. */
  readonly sealed: Promise<Uint8Array>;
}

/** The ready pods of no function, as who hands functions out sees them. Every manager and router has one. */
export class Pool {
  readonly outcomes: Record<PoolOutcome, number> = { claimed: 0, empty: 0, settings: 0, failed: 0, off: 0 };
  readonly #options: PoolOptions;
  readonly #free: Mirror<Pod>;
  readonly #switch: PoolSwitch;
  /** Pods that this program tries to claim at the moment, or has claimed: two calls must not try the same. */
  readonly #taken = new Set<string>();
  readonly #sealer: Sealer;
  readonly #closing = new AbortController();
  readonly #adoptions = new Set<Promise<void>>();

  constructor(options: PoolOptions) {
    this.#options = options;
    const { api, namespace, keys, print, times } = options;
    this.#sealer = new Sealer(keys);
    const onTrouble = (reason: string) => print(`the pool cannot be watched: ${reason}`);
    const watching = { api, onTrouble, ...(times ? { times } : {}) };
    this.#switch = new PoolSwitch({ ...watching, namespace });
    this.#free = new Mirror<Pod>({
      ...watching,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.pool}=free`,
      onChange: (_, pod) => {
        if (!pod) this.#forgetTaken();
      },
    });
  }

  get synced(): Promise<unknown> {
    return Promise.all([this.#free.synced, this.#switch.synced]);
  }

  stats(): { outcomes: Readonly<Record<PoolOutcome, number>>; free: number } {
    return { outcomes: { ...this.outcomes }, free: this.free };
  }

  /** Pods that could be claimed now. */
  get free(): number {
    return this.#candidates().length;
  }

  /**
   * Gives a function an instance from the pool, if there is one for it: resolves with `claimed` when it takes calls,
   * which the endpoints then show. It becomes one of the function's ReplicaSet as soon as that wants a pod; until
   * `signal` aborts, when it is given up.
   */
  async supply(wanted: Wanted): Promise<PoolOutcome> {
    const outcome = await this.#supply(wanted);
    this.outcomes[outcome]++;
    return outcome;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#adoptions);
    await Promise.all([this.#free.close(), this.#switch.close()]);
  }

  async #supply(wanted: Wanted): Promise<PoolOutcome> {
    if (!fitsPool(wanted.needs, this.#options.limits)) return this.#switch.isOff ? "off" : "settings";
    const { owner, version } = wanted;
    const { send = sendLoad, print, endpoints } = this.#options;
    let claimed: Claimed | undefined;
    try {
      claimed = await this.#claim(wanted);
    } catch (error) {
      if (!wanted.signal.aborted)
        print(`${owner.name}: no pod of the pool could be claimed: ${(error as Error).message}`);
      return "failed";
    }
    if (!claimed) return this.#switch.isOff ? "off" : "empty";
    wanted.onStep?.("claim");
    const { pod, sealed } = claimed;
    const address = { host: pod.status!.podIP!, port: PORT };
    const id = pod.metadata.uid!;
    const signal = AbortSignal.any([wanted.signal, this.#closing.signal, AbortSignal.timeout(LOAD_MS)]);
    try {
      await send(await sealed, { address, version, signal });
      this.#checkOwner(owner);
    } catch (error) {
      print(`${owner.name}: a pod of the pool did not take it: ${(error as Error).message}`);
      await this.#giveUp(pod);
      return "failed";
    }
    wanted.onStep?.("load");
    endpoints.addEarly(owner.name, { id, address, version });
    this.#adoptInBackground(pod, wanted);
    return "claimed";
  }

  /** Whoever's patch the API server takes first has the pod; the others take the next one. */
  async #claim(wanted: Wanted): Promise<Claimed | undefined> {
    const { api, namespace } = this.#options;
    const { owner, signal } = wanted;
    let packed: Promise<PackedVersion> | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const pod = anyOf(this.#candidates());
      if (!pod) return undefined;
      const uid = pod.metadata.uid!;
      this.#taken.add(uid);
      packed ??= wanted.packed();
      const sealed = this.#seal(packed, wanted, uid);
      // It is awaited after the claim, or not at all.
      sealed.catch(() => {});
      try {
        const place = { kind: KINDS.pods, namespace, name: pod.metadata.name };
        const patch = claimPatch(pod, owner);
        return { pod: await api.patchJson<Pod>(place, patch, { signal }), sealed };
      } catch (error) {
        if (hasStatus(error, 422) || hasStatus(error, 404) || hasStatus(error, 409)) continue;
        this.#taken.delete(uid);
        throw error;
      }
    }
    return undefined;
  }

  async #seal(packed: Promise<PackedVersion>, { owner, version }: Wanted, uid: string): Promise<Uint8Array> {
    const { limits } = this.#options;
    const { settings, bundle } = await packed;
    return await sealLoad(
      { name: owner.name, version, settings, bundle },
      { uid, sealer: this.#sealer, limits },
    );
  }

  #adoptInBackground(pod: Pod, wanted: Wanted): void {
    const { print, endpoints } = this.#options;
    const { name } = wanted.owner;
    const adopt = async () => {
      await this.#tellLoaded(pod, wanted);
      await this.#adopt(pod, wanted);
    };
    const adopted = adopt()
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

  async #tellLoaded(pod: Pod, { owner, version, signal }: Wanted): Promise<void> {
    const { api, namespace } = this.#options;
    const place = { kind: KINDS.pods, namespace, name: pod.metadata.name };
    await api.patchJson<Pod>(place, loadedPatch(pod, { name: owner.name, version }), { signal });
  }

  async #adopt(pod: Pod, { owner, version, signal }: Wanted): Promise<void> {
    const { api, namespace } = this.#options;
    const { name } = owner;
    const until = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(ADOPT_MS)]);
    const { promise, resolve, reject } = Promise.withResolvers<ReplicaSet>();
    const stop = () => reject(until.reason);
    until.addEventListener("abort", stop);
    if (until.aborted) stop();
    const sets = new Mirror<ReplicaSet>({
      api,
      place: { kind: KINDS.replicaSets, namespace },
      labelSelector: `${LABELS.function}=${name},${LABELS.version}=${version}`,
      // One that wants none yet would delete what it adopts.
      onChange: (_, set) => {
        if (set && (set.spec.replicas ?? 0) > 0) resolve(set);
      },
    });
    try {
      const replicaSet = await promise;
      this.#checkOwner(owner);
      const place = { kind: KINDS.pods, namespace, name: pod.metadata.name };
      await api.patchJson<Pod>(place, adoptionPatch(pod, replicaSet));
    } finally {
      until.removeEventListener("abort", stop);
      await sets.close();
    }
  }

  /**
   * The cluster deletes the pods of a Function that was deleted, but not at once; made again, it counts its versions
   * from 1 again.
   * @throws Error if the Function is another one now
   */
  #checkOwner({ name, uid }: Owner): void {
    const now = this.#options.endpoints.functions.get(name)?.metadata.uid;
    if (now !== undefined && now !== uid) throw new Error("its Function was deleted and made again");
  }

  /**
   * The leader deletes it. Where even that fails, the leader finds it because it stays what it is. A patch that failed for us
   * may have been applied: it is claimed or loaded, whatever we have heard.
   */
  async #giveUp(pod: Pod): Promise<void> {
    const { api, namespace, print } = this.#options;
    const place = { kind: KINDS.pods, namespace, name: pod.metadata.name };
    for (const state of ["claimed", "loaded"] as const) {
      try {
        return void (await api.patchJson(place, spentPatch(pod, state)));
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

  /** A pod that is not free any more cannot be tried again. */
  #forgetTaken(): void {
    const free = new Set([...this.#free.values()].map(({ metadata }) => metadata.uid));
    for (const uid of this.#taken) if (!free.has(uid)) this.#taken.delete(uid);
  }
}

/** Several programs choose at the same time: at random they rarely choose the same. */
function anyOf(pods: readonly Pod[]): Pod | undefined {
  return pods[Math.floor(Math.random() * pods.length)];
}
