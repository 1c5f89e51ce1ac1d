import { EndpointsTable } from "../../endpoints-table.ts";
import type { Limits } from "../../limits.ts";
import type { Endpoints, EndpointsListener } from "../../platform.ts";
import type { Cluster } from "../cluster/api.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import {
  type EndpointSlice,
  type FunctionResource,
  type KeptVersion,
  KINDS,
  type Pod,
} from "../cluster/resources.ts";
import { keptVersions, trafficOf } from "../objects/function-resource.ts";
import { LABELS } from "../objects/names.ts";
import { ObjectsByFunction } from "../objects/objects-by-function.ts";
import { isReady } from "../objects/pod-state.ts";
import type { FunctionSecrets } from "../secrets.ts";
import { endpointsOf, obeyedTraffic, type ReadyPod, readyFromPool, readyPods } from "./endpoints.ts";

export interface EndpointsMirrorOptions extends Cluster {
  readonly limits: Limits;
  readonly onFunction?: (name: string, resource: FunctionResource | undefined) => void;
  readonly onTrouble?: (reason: string) => void;
  readonly times?: MirrorTimes | undefined;
}

/** A change that does not arrive by then means a broken watch, which `onTrouble` reports. */
const SEEN_WITHIN_MS = 5_000;

/** Holds the ready pods of every version in memory, from Functions, EndpointSlices and pods of the pool. */
export class EndpointsMirror {
  readonly functions: Mirror<FunctionResource>;
  readonly #table = new EndpointsTable();
  readonly #slices: Mirror<EndpointSlice>;
  readonly #limits: Limits;
  readonly #fromPool: Mirror<Pod>;
  readonly #slicesOf = new ObjectsByFunction<EndpointSlice>();
  readonly #fromPoolOf = new ObjectsByFunction<Pod>();
  /** Pods that answered a probe before the cluster reported them as ready. */
  readonly #early = new Map<string, Map<string, ReadyPod>>();
  readonly #listeners = new Set<(name: string) => void>();

  constructor({ api, namespace, limits, onFunction, ...rest }: EndpointsMirrorOptions) {
    this.#limits = limits;
    this.functions = new Mirror<FunctionResource>({
      ...rest,
      api,
      place: { kind: KINDS.functions, namespace },
      onChange: (name, resource) => {
        if (!resource || resource.metadata.deletionTimestamp !== undefined) this.#early.delete(name);
        this.#update(name);
        onFunction?.(name, resource);
      },
    });
    this.#slices = new Mirror<EndpointSlice>({
      ...rest,
      api,
      place: { kind: KINDS.endpointSlices, namespace },
      labelSelector: LABELS.function,
      onChange: (key, slice) => this.#changed(this.#slicesOf.set(key, slice)),
    });
    this.#fromPool = new Mirror<Pod>({
      ...rest,
      api,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.pool} in (loaded, adopted)`,
      onChange: (key, pod) => {
        const name = this.#fromPoolOf.set(key, pod);
        // The pod answered when it was loaded, and has died since.
        if (name !== undefined && pod && !isReady(pod)) this.#early.get(name)?.delete(pod.metadata.uid!);
        this.#changed(name);
      },
    });
  }

  get synced(): Promise<void> {
    return Promise.all(this.#mirrors.map((mirror) => mirror.synced)).then(() => {});
  }

  get(name: string): Endpoints | undefined {
    return this.#table.get(name);
  }

  all(): Iterable<Endpoints> {
    return this.#table.all();
  }

  watch(listener: EndpointsListener): () => void {
    return this.#table.watch(listener);
  }

  /** Calls `listener` when a function or one of its ready pods may have changed, including pods of unlisted versions. */
  watchPods(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when `holds` is true after a write to a function, or after five seconds. */
  async seen(name: string, holds: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const unwatch = this.watchPods((changed) => {
      if (changed === name && holds()) resolve();
    });
    const late = setTimeout(resolve, SEEN_WITHIN_MS);
    if (!holds()) await promise;
    clearTimeout(late);
    unwatch();
  }

  /** Returns a version that may be called. */
  kept(name: string, version: number): KeptVersion | undefined {
    const resource = this.functions.get(name);
    return resource && keptVersions(resource, this.#limits).find((each) => each.version === version);
  }

  /** Returns the secrets that each kept version of a function asks for. */
  secrets(): FunctionSecrets[] {
    return [...this.functions.values()].flatMap((resource) =>
      keptVersions(resource, this.#limits).flatMap(({ version, secrets = {}, pullSecret }) => {
        const refs = Object.values(secrets);
        const isUser = refs.length > 0 || pullSecret !== undefined;
        return isUser ? { name: resource.metadata.name, version, secrets: refs, pullSecret } : [];
      }),
    );
  }

  /** Returns the pods of a version that can take calls. */
  ready(name: string, version: number): ReadyPod[] {
    return this.#podsOf(name).filter((pod) => pod.version === version);
  }

  /** Returns the names of pods by their uid. */
  podNames(): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    for (const { targetRef } of [...this.#slices.values()].flatMap(({ endpoints }) => endpoints ?? [])) {
      if (targetRef?.uid && targetRef.name) names.set(targetRef.uid, targetRef.name);
    }
    for (const { metadata } of this.#fromPool.values()) {
      if (metadata.uid) names.set(metadata.uid, metadata.name);
    }
    return names;
  }

  /** Returns the newest version with pods that can take calls, with or without traffic; 0 if there is none. */
  newestReady(name: string): number {
    return Math.max(0, ...this.#podsOf(name).map(({ version }) => version));
  }

  /** Adds a pod that answered a probe. It stays until `dropEarly` or until the cluster reports it as ready. */
  addEarly(name: string, pod: ReadyPod): void {
    const pods = this.#early.get(name) ?? new Map<string, ReadyPod>();
    this.#early.set(name, pods.set(pod.id, pod));
    this.#update(name);
  }

  /** Returns true until the cluster has reported the pod as ready. */
  isEarly(name: string, id: string): boolean {
    return this.#early.get(name)?.has(id) ?? false;
  }

  dropEarly(name: string, id: string): void {
    if (this.#early.get(name)?.delete(id)) this.#update(name);
  }

  async close(): Promise<void> {
    await Promise.all(this.#mirrors.map((mirror) => mirror.close()));
    for (const { metadata } of this.functions.values()) this.#table.delete(metadata.name);
  }

  get #mirrors(): readonly Mirror<never>[] {
    return [this.functions, this.#slices, this.#fromPool] as unknown as Mirror<never>[];
  }

  #changed(name: string | undefined): void {
    if (name !== undefined) this.#update(name);
  }

  #update(name: string): void {
    this.#updateTable(name);
    for (const listener of this.#listeners) listener(name);
  }

  #updateTable(name: string): void {
    const resource = this.functions.get(name);
    // Callers do not see a Function that is being deleted, even while its pods run.
    const isGone = !resource || resource.metadata.deletionTimestamp !== undefined;
    const kept = isGone ? [] : keptVersions(resource, this.#limits);
    if (isGone || kept.length === 0) {
      this.#table.delete(name);
      return;
    }
    const pods = this.#podsOf(name);
    const before = this.#table.get(name);
    const traffic = obeyedTraffic({
      wanted: trafficOf(resource, kept),
      before: before?.traffic.filter(({ version }) => kept.some((each) => each.version === version)) ?? [],
      pods,
    });
    const endpoints = endpointsOf({ name, kept, traffic, sticky: resource.spec.sticky, pods });
    if (JSON.stringify(before) !== JSON.stringify(endpoints)) this.#table.set(endpoints);
  }

  /** Returns the pods of all versions that can take calls, without duplicates. */
  #podsOf(name: string): ReadyPod[] {
    const owner = this.functions.get(name)?.metadata.uid;
    const listed = [
      ...readyPods(this.#slicesOf.of(name)),
      ...readyFromPool(this.#fromPoolOf.of(name), owner),
    ];
    const early = this.#early.get(name);
    for (const { id } of listed) early?.delete(id);
    if (early?.size === 0) this.#early.delete(name);
    return [...new Map([...(early?.values() ?? []), ...listed].map((pod) => [pod.id, pod])).values()];
  }
}
