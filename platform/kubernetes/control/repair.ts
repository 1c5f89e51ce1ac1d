import type { Traffic } from "../../platform.ts";
import { unlessStatus } from "../cluster/api-error.ts";
import { type FunctionResource, KINDS, type Pod } from "../cluster/resources.ts";
import { type Child, covers } from "../objects/children.ts";
import { functionPlace } from "../objects/function-resource.ts";
import type { Owner } from "../objects/manifests.ts";
import { LABELS, versionName } from "../objects/names.ts";
import { isTerminating, versionOf } from "../objects/pod-state.ts";
import type { VersionRecord } from "../versions/versions.ts";
import type { ControlOptions } from "./cluster-view.ts";

export interface Versions {
  /** The versions that may be called. */
  readonly records: readonly VersionRecord[];
  readonly traffic: Traffic;
  /** Versions that a router waits for. */
  readonly waking: ReadonlySet<number>;
  /** Returns the replicas of a version under an older Skiff. */
  readonly formerReplicas: (version: number) => number | undefined;
}

type Write = () => Promise<unknown>;

/**
 * Applies the objects of every version with traffic or instances, and deletes those of other versions. Reverts changes and
 * deletions by hand.
 */
export class Repair {
  readonly #options: ControlOptions;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** Resolves with false, without a write, if the Function has changed since it was read. */
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
    // A repair must not undo a deploy that the copy of the Functions does not show yet.
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
      const create = async () => {
        await children.bringUp(record, { owner, takesCalls, replicas: wanted });
        print(`${name}: created deployments ${versionName(name, version)}`);
      };
      return [create];
    }
    if (!takesCalls && replicas === 0) return this.#remove(name, version, pods);
    const wrong = this.#apply(owner, children.of(record, { owner, takesCalls }));
    // Loaded pods of the pool are not adopted if the program that claimed them has died.
    const least = Math.max(takesCalls ? settings.min : 0, replicas === 0 ? pods.filter(isLoaded).length : 0);
    return replicas < least ? [...wrong, () => children.scale(record, least)] : wrong;
  }

  #apply({ name }: Owner, desired: readonly Child[]): Write[] {
    const { children, print } = this.#options;
    return desired
      .filter((child) => this.#differs(child))
      .map((child) => async () => {
        await children.apply(child);
        print(`${name}: repaired ${child.kind.plural} ${child.name}`);
      });
  }

  #differs({ kind, name, manifest }: Child): boolean {
    const live = this.#options.view.object(kind, name);
    // Items of a list have no kind, unlike objects of a watch.
    const { apiVersion: _, kind: __, ...desired } = manifest as { apiVersion?: string; kind?: string };
    // An object under deletion is created again when it is gone.
    return live === undefined || (live.metadata.deletionTimestamp === undefined && !covers(live, desired));
  }

  /** Removes the objects of versions that may not be called. */
  #unlisted(name: string, records: readonly VersionRecord[]): Write[] {
    const { view } = this.#options;
    const versions = view
      .deployments(name)
      .flatMap(({ metadata }) => metadata.labels?.[LABELS.version] ?? []);
    const unlisted = versions.map(Number).filter((each) => !records.some(({ version }) => version === each));
    return unlisted.flatMap((version) => this.#remove(name, version, []));
  }

  /** Deletes after the last pod, because running calls need the NetworkPolicy. */
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
      // The precondition keeps a Deployment that a router scales up at the same time.
      await unlessStatus(api.delete(place, "Background", { resourceVersion }), 409);
    });
  }
}

function isLoaded(pod: Pod): boolean {
  return !isTerminating(pod) && pod.metadata.labels?.[LABELS.pool] === "loaded";
}

/** Excludes pods of the pool that were given up. */
function isUsed(pod: Pod): boolean {
  return !isTerminating(pod) && pod.metadata.labels?.[LABELS.pool] !== "spent";
}
