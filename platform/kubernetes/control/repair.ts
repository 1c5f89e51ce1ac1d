import type { Traffic } from "../../platform.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { type FunctionResource, KINDS, type Pod } from "../cluster/resources.ts";
import { type Child, type Children, covers } from "../objects/children.ts";
import type { Owner } from "../objects/manifests.ts";
import { LABELS, versionName } from "../objects/names.ts";
import { isTerminating, versionOf } from "../objects/pod-state.ts";
import { functionPlace } from "../publishing/publish-turns.ts";
import type { VersionRecord } from "../versions/versions.ts";
import type { ClusterView } from "./cluster-view.ts";

export interface RepairOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly children: Children;
  readonly view: ClusterView;
  readonly print: (line: string) => void;
}

export interface Versions {
  /** Every version that may be called. */
  readonly records: readonly VersionRecord[];
  readonly traffic: Traffic;
  /** Versions that a router waits for. */
  readonly waking: ReadonlySet<number>;
  /** Pods that a version had under an older Skiff. */
  readonly formerReplicas: (version: number) => number | undefined;
}

type Write = () => Promise<unknown>;

/**
 * Makes what runs the versions of a function: objects for every version with traffic or instances, none for the others.
 * Whatever somebody changed or deleted by hand is made again.
 */
export class Repair {
  readonly #options: RepairOptions;

  constructor(options: RepairOptions) {
    this.#options = options;
  }

  /** False if the Function has changed since it was read: then nothing was done. */
  async repair(resource: FunctionResource, versions: Versions): Promise<boolean> {
    const { name, uid } = resource.metadata;
    const owner = { name, uid: uid! };
    const service = versions.records.length === 0 ? [] : [this.#options.children.service(owner)];
    const writes = [
      ...this.#apply(owner, service),
      ...versions.records.flatMap((record) => this.#version(owner, record, versions)),
      ...this.#unlisted(name, versions.records),
    ];
    if (writes.length === 0) return true;
    // A deploy may have begun that the copy of the Functions does not show yet: it must not be undone.
    const { api, namespace } = this.#options;
    const fresh = await api.get<FunctionResource>(functionPlace(namespace, name));
    if (fresh?.metadata.resourceVersion !== resource.metadata.resourceVersion) return false;
    for (const write of writes) await write();
    return true;
  }

  #version(owner: Owner, record: VersionRecord, { traffic, waking, formerReplicas }: Versions): Write[] {
    const { children, view, print } = this.#options;
    const { name, version, settings } = record;
    const takesCalls = traffic.some((share) => share.version === version);
    const deployment = view.deployment(name, version);
    const pods = view.pods(name).filter((pod) => versionOf(pod) === version);
    const live = pods.filter(isUsed).length;
    const replicas = deployment?.spec.replicas ?? 1;
    if (!deployment) {
      if (!takesCalls && live === 0 && !waking.has(version)) return this.#remove(name, version, pods);
      const least = takesCalls ? settings.min : 0;
      const wanted = Math.max(least, formerReplicas(version) ?? Math.max(1, live));
      const make = () => children.bringUp(record, { owner, takesCalls, replicas: wanted });
      return [
        make,
        async () => print(`${name}: deployments ${versionName(name, version)} made as it should be`),
      ];
    }
    if (!takesCalls && replicas === 0) return this.#remove(name, version, pods);
    const wrong = this.#apply(owner, children.of(record, { owner, takesCalls }));
    // Pods of the pool that no ReplicaSet has adopted: whoever claimed them has died.
    const least = Math.max(takesCalls ? settings.min : 0, replicas === 0 ? pods.filter(isLoaded).length : 0);
    return replicas < least ? [...wrong, () => children.scale(record, least)] : wrong;
  }

  #apply({ name }: Owner, desired: readonly Child[]): Write[] {
    const { children, print } = this.#options;
    return desired
      .filter((child) => this.#differs(child))
      .map((child) => async () => {
        await children.apply(child);
        print(`${name}: ${child.kind.plural} ${child.name} made as it should be`);
      });
  }

  #differs({ kind, name, manifest }: Child): boolean {
    const live = this.#options.view.object(kind, name);
    // An item of a list does not say of which kind it is, unlike the object of a watch.
    const { apiVersion: _, kind: __, ...says } = manifest as { apiVersion?: string; kind?: string };
    // What is being deleted comes back when it is gone.
    return live === undefined || (live.metadata.deletionTimestamp === undefined && !covers(live, says));
  }

  /** Versions that nobody may call any more. */
  #unlisted(name: string, records: readonly VersionRecord[]): Write[] {
    const { view } = this.#options;
    const versions = view
      .deployments(name)
      .flatMap(({ metadata }) => metadata.labels?.[LABELS.version] ?? []);
    const unlisted = versions.map(Number).filter((each) => !records.some(({ version }) => version === each));
    return unlisted.flatMap((version) => this.#remove(name, version, []));
  }

  /** A NetworkPolicy goes after the pods, which may have calls still. */
  #remove(name: string, version: number, pods: readonly Pod[]): Write[] {
    const { api, namespace, view } = this.#options;
    if (pods.length > 0) return [];
    const object = versionName(name, version);
    const kinds = [KINDS.autoscalers, KINDS.deployments, KINDS.networkPolicies];
    const there = kinds.flatMap((kind) => {
      const live = view.object(kind, object);
      return live && live.metadata.deletionTimestamp === undefined ? [{ kind, live }] : [];
    });
    return there.map(({ kind, live }) => async () => {
      const place = { kind, namespace, name: object };
      const { resourceVersion } = live.metadata;
      // One that a router has scaled up in the same moment stays.
      await api.delete(place, "Background", { resourceVersion }).catch((error: unknown) => {
        if (!hasStatus(error, 409)) throw error;
      });
    });
  }
}

function isLoaded(pod: Pod): boolean {
  return !isTerminating(pod) && pod.metadata.labels?.[LABELS.pool] === "loaded";
}

/** A pod of the pool may have been given up. */
function isUsed(pod: Pod): boolean {
  return !isTerminating(pod) && pod.metadata.labels?.[LABELS.pool] !== "spent";
}
