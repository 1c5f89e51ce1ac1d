import { setTimeout as pause } from "node:timers/promises";
import type { Cluster } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { type Deployment, KINDS, type Kind, type Place, type Resource } from "../cluster/resources.ts";
import type { VersionRecord } from "../versions/versions.ts";
import {
  autoscalerManifest,
  deploymentManifest,
  egressManifest,
  type Owner,
  serviceManifest,
} from "./manifests.ts";
import { serviceName, versionName } from "./names.ts";
import type { PodOptions } from "./pod-parts.ts";

const FREE_TRIES = 60;
const FREE_PAUSE_MS = 250;

export interface Child {
  readonly kind: Kind;
  readonly name: string;
  readonly manifest: object;
}

export interface BringUp {
  readonly owner: Owner;
  /** Least number of pods. */
  readonly replicas: number;
  readonly takesCalls: boolean;
}

/** Creates the objects that run the versions of functions. */
export class Children {
  readonly #options: Cluster & PodOptions;

  constructor(options: Cluster & PodOptions) {
    this.#options = options;
  }

  /** Builds the Service of a function, which all of its versions share. */
  service(owner: Owner): Child {
    const manifest = serviceManifest({ ...this.#options, owner });
    return { kind: KINDS.services, name: serviceName(owner.name), manifest };
  }

  /** Builds the objects of a version that has traffic or instances. */
  of(record: VersionRecord, { owner, takesCalls }: Omit<BringUp, "replicas">): Child[] {
    const options = { ...this.#options, owner };
    const name = versionName(owner.name, record.version);
    const egress = egressManifest(record, options);
    const scaled = autoscalerManifest(record, { ...options, takesCalls });
    const autoscaler = { kind: KINDS.autoscalers, name, manifest: scaled };
    return [
      { kind: KINDS.deployments, name, manifest: deploymentManifest(record, options) },
      // CPU says nothing about instances that take one call each.
      ...(record.settings.isolation === "call" ? [] : [autoscaler]),
      ...(egress ? [{ kind: KINDS.networkPolicies, name, manifest: egress }] : []),
    ];
  }

  /** Creates or updates the objects of a version, with at least `replicas` pods. */
  async bringUp(record: VersionRecord, { replicas, ...rest }: BringUp): Promise<void> {
    await Promise.all([this.create(record, { ...rest, replicas }), this.#applyOthers(record, rest)]);
  }

  /** Makes the rest of what a version needs whose Deployment was created with fewer pods. */
  async complete(record: VersionRecord, { replicas, ...rest }: BringUp): Promise<void> {
    await Promise.all([this.scaleUp(record, replicas), this.#applyOthers(record, rest)]);
  }

  /**
   * Makes the Deployment of a version. Created, not applied: an apply without `replicas` makes one pod, also of a version
   * that sleeps.
   */
  async create(record: VersionRecord, { replicas, ...rest }: BringUp): Promise<void> {
    const { api, namespace } = this.#options;
    const [{ kind, name, manifest }] = this.of(record, rest) as [Child];
    const { spec, ...others } = manifest as { spec: object };
    const body = { ...others, spec: { ...spec, replicas } };
    const place: Place = { kind, namespace };
    await whenFree(async () => {
      try {
        await api.create(place, body);
      } catch (error) {
        if (!hasStatus(error, 409)) throw error;
        const existing = await api.get<Deployment>({ ...place, name });
        const isMine = existing?.metadata.ownerReferences?.some(({ uid }) => uid === rest.owner.uid);
        if (!isMine || existing?.metadata.deletionTimestamp !== undefined) throw error;
        if (replicas > 0) await this.scaleUp(record, replicas);
      }
    });
  }

  /**
   * Applies a manifest. Server-side apply keeps fields that others added, even items of a list that Skiff owns, so an
   * object that still differs is replaced.
   */
  async apply({ kind, name, manifest }: Child): Promise<Resource> {
    const { api, namespace } = this.#options;
    const place = { kind, namespace, name };
    const applied = await whenFree(() => api.apply<Resource & { spec: object }>(place, manifest));
    if (covers(applied, manifest)) return applied;
    const desired = manifest as { spec: object };
    const { resourceVersion } = applied.metadata;
    const body = {
      ...desired,
      metadata: { ...(desired as unknown as Resource).metadata, resourceVersion },
      spec: { ...applied.spec, ...desired.spec },
    };
    return await api.replace<Resource>(place, body);
  }

  /** Sets the number of pods. `resourceVersion` is a precondition. */
  async scale(
    version: { name: string; version: number },
    replicas: number,
    resourceVersion?: string,
  ): Promise<void> {
    const { api, namespace } = this.#options;
    const name = versionName(version.name, version.version);
    const place = { kind: KINDS.deployments, namespace, name, subresource: "scale" };
    const metadata = resourceVersion === undefined ? {} : { metadata: { resourceVersion } };
    await api.patch(place, { ...metadata, spec: { replicas } });
  }

  /** Scales a version to `replicas` pods if it has fewer. */
  async scaleUp(version: { name: string; version: number }, replicas: number): Promise<void> {
    const { api, namespace } = this.#options;
    const name = versionName(version.name, version.version);
    const deployment = await api.get<Deployment>({ kind: KINDS.deployments, namespace, name });
    if (deployment && (deployment.spec.replicas ?? 1) < replicas) await this.scale(version, replicas);
  }

  async #applyOthers(record: VersionRecord, rest: Omit<BringUp, "replicas">): Promise<void> {
    const [, ...others] = this.of(record, rest);
    await Promise.all([this.service(rest.owner), ...others].map((child) => this.apply(child)));
  }
}

/**
 * Retries until the cluster has deleted the objects of a removed function of the same name. Until then the server rejects
 * a second controller (422) and a second object of their name (409).
 */
async function whenFree<T>(make: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await make();
    } catch (error) {
      const isTaken =
        hasStatus(error, 409) || (hasStatus(error, 422) && /controller/i.test((error as Error).message));
      if (!isTaken || attempt === FREE_TRIES) throw error;
    }
    await pause(FREE_PAUSE_MS);
  }
}

/** Returns true if `live` has every field of `desired`; it may have more, such as defaults of the server. */
export function covers(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired)) {
    if (!Array.isArray(live)) return desired.length === 0 && live === undefined;
    return live.length === desired.length && desired.every((each, index) => covers(live[index], each));
  }
  // The server omits an empty text.
  if (desired === "") return live === "" || live === undefined;
  if (typeof desired !== "object" || desired === null) return live === desired;
  const entries = Object.entries(desired);
  if (typeof live !== "object" || live === null) return live === undefined && entries.length === 0;
  return entries.every(([key, value]) => covers((live as Record<string, unknown>)[key], value));
}
