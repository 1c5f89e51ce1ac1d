import { EndpointsTable } from "../endpoints-table.ts";
import type { Limits } from "../limits.ts";
import type { Endpoints, EndpointsListener } from "../platform.ts";
import type { KubeApi } from "./api.ts";
import { endpointsOf, isSameEndpoints, type ReadyPod, readyPods, servingVersion } from "./endpoints.ts";
import { settingsOf } from "./function-spec.ts";
import { delay, Mirror, type MirrorTimes } from "./mirror.ts";
import { LABELS } from "./names.ts";
import { type EndpointSlice, type FunctionResource, KINDS } from "./resources.ts";

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
  /** Slices by function, because a Service with many endpoints has several. */
  readonly #slicesOf = new Map<string, Map<string, EndpointSlice>>();
  readonly #functionOfSlice = new Map<string, string>();
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
      onChange: (key, slice) => this.#changeSlice(key, slice),
    });
  }

  get synced(): Promise<void> {
    return Promise.all([this.functions.synced, this.#slices.synced]).then(() => {});
  }

  get isSynced(): boolean {
    return this.functions.isSynced && this.#slices.isSynced;
  }

  /** Why the snapshot may be old; undefined while both watches run. */
  get trouble(): string | undefined {
    return this.functions.trouble ?? this.#slices.trouble;
  }

  get(name: string): Endpoints | undefined {
    return this.#table.get(name);
  }

  watch(listener: EndpointsListener): () => void {
    return this.#table.watch(listener);
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
    await Promise.all([this.functions.close(), this.#slices.close()]);
    for (const { metadata } of this.functions.values()) this.#table.delete(metadata.name);
  }

  #changeSlice(key: string, slice: EndpointSlice | undefined): void {
    const name = slice?.metadata.labels?.[LABELS.function] ?? this.#functionOfSlice.get(key);
    if (name === undefined) return;
    const slices = this.#slicesOf.get(name) ?? new Map<string, EndpointSlice>();
    this.#slicesOf.set(name, slices);
    if (slice) {
      slices.set(key, slice);
      this.#functionOfSlice.set(key, name);
    } else {
      slices.delete(key);
      this.#functionOfSlice.delete(key);
      if (slices.size === 0) this.#slicesOf.delete(name);
    }
    this.#update(name);
  }

  #update(name: string): void {
    const resource = this.functions.get(name);
    const wanted = resource?.spec.version;
    // A Function that is being deleted is gone for callers, whatever still runs of it.
    if (!resource || wanted === undefined || resource.metadata.deletionTimestamp !== undefined) {
      this.#early.delete(name);
      this.#table.delete(name);
      return;
    }
    const listed = readyPods(this.#slicesOf.get(name)?.values() ?? []);
    for (const { id } of listed) this.#early.get(name)?.delete(id);
    if (this.#early.get(name)?.size === 0) this.#early.delete(name);
    const early = [...(this.#early.get(name)?.values() ?? [])];
    const pods = [...new Map([...early, ...listed].map((pod) => [pod.id, pod])).values()];
    const before = this.#table.get(name);
    // A first version that never served is nothing that can be called or woken.
    if (!before && pods.length === 0 && resource.status?.version === undefined) return;
    const serving = before?.version;
    const version = servingVersion(pods, { wanted, serving });
    const endpoints = endpointsOf({ name, pods, version, settings: settingsOf(resource.spec, this.#limits) });
    if (!isSameEndpoints(before, endpoints)) this.#table.set(endpoints);
  }
}
