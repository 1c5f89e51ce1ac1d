import { setTimeout as pause } from "node:timers/promises";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { type Deployment, KINDS, type Kind, type Place, type Resource } from "../cluster/resources.ts";
import type { VersionRecord } from "../versions/versions.ts";
import {
  autoscalerManifest,
  type ChildOptions,
  deploymentManifest,
  egressManifest,
  type Owner,
  serviceManifest,
} from "./manifests.ts";
import { deploymentName, egressName, serviceName } from "./names.ts";

const FREE_TRIES = 60;
const FREE_PAUSE_MS = 250;

export interface Child {
  readonly kind: Kind;
  readonly name: string;
  /** Undefined: it should not be there. */
  readonly manifest: object | undefined;
}

/** What makes a version run, besides its code. */
export function childrenOf(record: VersionRecord, options: ChildOptions): Child[] {
  const { name } = options.owner;
  return [
    { kind: KINDS.services, name: serviceName(name), manifest: serviceManifest(options) },
    { kind: KINDS.deployments, name: deploymentName(name), manifest: deploymentManifest(record, options) },
    { kind: KINDS.autoscalers, name: deploymentName(name), manifest: autoscalerManifest(record, options) },
    { kind: KINDS.networkPolicies, name: egressName(name), manifest: egressManifest(record, options) },
  ];
}

export interface ChildrenOptions extends Omit<ChildOptions, "owner"> {
  readonly api: KubeApi;
  readonly namespace: string;
}

/** Makes the Deployment, Service and autoscaler of a function what they should be. */
export class Children {
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /** The objects that should be there, as manifests. */
  of(record: VersionRecord, owner: Owner): Child[] {
    return childrenOf(record, { ...this.#options, owner });
  }

  async apply(record: VersionRecord, owner: Owner): Promise<Deployment> {
    const applied = await Promise.all(this.of(record, owner).map((child) => this.applyOne(child)));
    return applied[1] as Deployment;
  }

  /**
   * Fields that somebody else added stay in a server-side apply, even items of a list that is Skiff's; what is
   * still different afterwards is replaced.
   */
  async applyOne({ kind, name, manifest }: Child): Promise<Resource | undefined> {
    const { api, namespace } = this.#options;
    if (manifest === undefined) {
      await api.delete({ kind, namespace, name }, "Background");
      return undefined;
    }
    const applied = await this.#applyWhenFree({ kind, namespace, name }, manifest);
    if (covers(applied, manifest)) return applied;
    const desired = manifest as { spec: object };
    const { resourceVersion } = applied.metadata;
    const body = {
      ...desired,
      metadata: { ...(desired as unknown as Resource).metadata, resourceVersion },
      spec: { ...applied.spec, ...desired.spec },
    };
    return await api.replace<Resource>({ kind, namespace, name }, body);
  }

  /**
   * An object of a function of the same name that was removed just now refuses a second controller (422), and follows
   * its owner within moments.
   */
  async #applyWhenFree(place: Place, manifest: object): Promise<Resource & { spec: object }> {
    const { api } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await api.apply<Resource & { spec: object }>(place, manifest);
      } catch (error) {
        const isTaken = hasStatus(error, 422) && /controller/i.test((error as Error).message);
        if (!isTaken || attempt === FREE_TRIES) throw error;
      }
      await pause(FREE_PAUSE_MS);
    }
  }

  async remove(name: string): Promise<void> {
    const { api, namespace } = this.#options;
    const places = [
      { kind: KINDS.autoscalers, name: deploymentName(name) },
      { kind: KINDS.deployments, name: deploymentName(name) },
      { kind: KINDS.services, name: serviceName(name) },
      { kind: KINDS.networkPolicies, name: egressName(name) },
    ];
    await Promise.all(places.map((place) => api.delete({ ...place, namespace }, "Background")));
  }

  /** Sets the number of pods. With `resourceVersion`, only if nobody changed the Deployment since. */
  async scale(name: string, replicas: number, resourceVersion?: string): Promise<void> {
    const { api, namespace } = this.#options;
    const place = { kind: KINDS.deployments, namespace, name: deploymentName(name), subresource: "scale" };
    const metadata = resourceVersion === undefined ? {} : { metadata: { resourceVersion } };
    await api.patch(place, { ...metadata, spec: { replicas } });
  }
}

/** True if everything that `desired` says is so in `live`, which may have more fields (defaults of the server). */
export function covers(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired)) {
    if (!Array.isArray(live)) return desired.length === 0 && live === undefined;
    return live.length === desired.length && desired.every((each, index) => covers(live[index], each));
  }
  // The server leaves an empty text out.
  if (desired === "") return live === "" || live === undefined;
  if (typeof desired !== "object" || desired === null) return live === desired;
  const entries = Object.entries(desired);
  if (typeof live !== "object" || live === null) return live === undefined && entries.length === 0;
  return entries.every(([key, value]) => covers((live as Record<string, unknown>)[key], value));
}
