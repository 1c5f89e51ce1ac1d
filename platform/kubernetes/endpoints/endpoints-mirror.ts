import { EndpointsTable } from "../../endpoints-table.ts";
import type { Limits } from "../../limits.ts";
import type { Endpoints, EndpointsListener } from "../../platform.ts";
import { currentOf } from "../../traffic.ts";
import type { KubeApi } from "../cluster/api.ts";
import { delay, Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { type EndpointSlice, type FunctionResource, KINDS, type Pod } from "../cluster/resources.ts";
import { settingsOf } from "../objects/function-spec.ts";
import { LABELS } from "../objects/names.ts";
import { ObjectsByFunction } from "../objects/objects-by-function.ts";
import { isReady } from "../objects/pod-state.ts";
import {
  endpointsOf,
  isSameEndpoints,
  type ReadyPod,
  readyFromPool,
  readyPods,
  servingVersion,
} from "./endpoints.ts";

export interface EndpointsMirrorOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly onFunction?: (name: string, resource: FunctionResource | undefined) => void;
  readonly onTrouble?: (reason: string) => void;
  readonly times?: MirrorTimes;
}

const CONFIRM_EVERY_MS = 250;

/** The snapshot of ready pods that calls are sent by: from Functions and EndpointSlices, held in memory. */
export class EndpointsMirror {
  readonly functions: Mirror<FunctionResource>;
  readonly #table = new EndpointsTable();
  readonly #slices: Mirror<EndpointSlice>;
  readonly #limits: Limits;
  readonly #fromPool: Mirror<Pod>;
  /** A Service with many endpoints has several slices. */
  readonly #slicesOf = new ObjectsByFunction<EndpointSlice>();
  readonly #fromPoolOf = new ObjectsByFunction<Pod>();
  /** Pods that were found ready by asking them, before the cluster said so. */
  readonly #early = new Map<string, Map<string, ReadyPod>>();

  constructor({ api, namespace, limits, onFunction, ...rest }: EndpointsMirrorOptions) {
    this.#limits = limits;
    this.functions = new Mirror<FunctionResource>({
      ...rest,
      api,
      place: { kind: KINDS.functions, namespace },
      onChange: (name, resource) => {
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
        // It answered when it was loaded, and has died since.
        if (name !== undefined && pod && !isReady(pod)) this.#early.get(name)?.delete(pod.metadata.uid!);
        this.#changed(name);
      },
    });
  }

  get synced(): Promise<void> {
    return Promise.all(this.#mirrors.map((mirror) => mirror.synced)).then(() => {});
  }

  get isSynced(): boolean {
    return this.#mirrors.every((mirror) => mirror.isSynced);
  }

  /** Why the snapshot may be old; undefined while all watches run. */
  get trouble(): string | undefined {
    return this.#mirrors.find((mirror) => mirror.trouble !== undefined)?.trouble;
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

  /** The newest version of which pods can take calls, whether calls go there or not; 0 if there is none. */
  newestReady(name: string): number {
    return Math.max(0, ...this.#podsOf(name).map(({ version }) => version));
  }

  /** Takes a pod in that answered a probe; it stays until `dropEarly` or until its slice says the same. */
  addEarly(name: string, pod: ReadyPod): void {
    const pods = this.#early.get(name) ?? new Map<string, ReadyPod>();
    this.#early.set(name, pods.set(pod.id, pod));
    this.#update(name);
  }

  dropEarly(name: string, id: string): void {
    if (this.#early.get(name)?.delete(id)) this.#update(name);
  }

  dropAllEarly(name: string): void {
    if (this.#early.delete(name)) this.#update(name);
  }

  /** Resolves when the cluster has said the same of every pod that was taken in early; drops the rest at the abort. */
  async earlyConfirmed(name: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#early.has(name)) await delay(CONFIRM_EVERY_MS, signal);
    this.dropAllEarly(name);
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
    const resource = this.functions.get(name);
    const wanted = resource?.spec.version;
    // A Function that is being deleted is gone for callers, whatever still runs of it.
    if (!resource || resource.metadata.deletionTimestamp !== undefined) {
      this.#early.delete(name);
      this.#table.delete(name);
      return;
    }
    // A pod may be there before the number of its version is.
    if (wanted === undefined) {
      this.#table.delete(name);
      return;
    }
    const pods = this.#podsOf(name);
    const before = this.#table.get(name);
    // A first version that never served is nothing that can be called or woken.
    if (!before && pods.length === 0 && resource.status?.version === undefined) return;
    const serving = currentOf(before)?.version;
    const version = servingVersion(pods, { wanted, serving });
    const endpoints = endpointsOf({ name, pods, version, settings: settingsOf(resource.spec, this.#limits) });
    if (!isSameEndpoints(before, endpoints)) this.#table.set(endpoints);
  }

  /** Those that can take calls, each once. */
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
