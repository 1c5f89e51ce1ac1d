import type { Endpoints, Instance, Share, Sticky, Traffic } from "../../platform.ts";
import { placingOf } from "../../settings/runtime.ts";
import { currentVersion, frontOf, isSameTraffic } from "../../traffic.ts";
import type { EndpointSlice, KeptVersion, Pod } from "../cluster/resources.ts";
import { LABELS, PORT, versionOfHostname } from "../objects/names.ts";
import { isReady, versionOf } from "../objects/pod-state.ts";

/** A pod that can take calls. */
export interface ReadyPod extends Instance {
  readonly version: number;
}

/** Returns the ready pods of a Service, without terminating ones and duplicates. */
export function readyPods(slices: Iterable<EndpointSlice>): ReadyPod[] {
  const pods = new Map<string, ReadyPod>();
  for (const { addressType, endpoints, ports } of slices) {
    // A slice without endpoints has null for both lists.
    const port = ports?.[0]?.port;
    if (port === undefined || addressType === "FQDN") continue;
    for (const { addresses, hostname, conditions = {}, targetRef } of endpoints ?? []) {
      const version = versionOfHostname(hostname);
      const host = addresses[0];
      // An absent condition `ready` means ready (discovery.k8s.io/v1, EndpointConditions).
      if (conditions.ready === false || conditions.terminating === true) continue;
      if (version === undefined || host === undefined || targetRef?.uid === undefined) continue;
      pods.set(targetRef.uid, { id: targetRef.uid, address: { host, port }, version });
    }
  }
  return [...pods.values()];
}

/**
 * Returns the ready pods among loaded and adopted pods of the pool. Their host name has no version, so EndpointSlices do
 * not show which version they run. Their labels show it, and earlier.
 * @param owner uid of the Function: pods of a deleted Function of the same name take no calls
 */
export function readyFromPool(pods: Iterable<Pod>, owner: string | undefined): ReadyPod[] {
  return [...pods].flatMap((pod) => {
    const { uid, labels, ownerReferences = [] } = pod.metadata;
    const host = pod.status?.podIP;
    if (uid === undefined || host === undefined || !isReady(pod)) return [];
    // An adopted pod is owned by its ReplicaSet.
    const isLoaded = labels?.[LABELS.pool] === "loaded";
    if (isLoaded && !ownerReferences.some((reference) => reference.uid === owner)) return [];
    return [{ id: uid, address: { host, port: PORT }, version: versionOf(pod) }];
  });
}

export interface TrafficChoice {
  /** The traffic in the Function. */
  readonly wanted: Traffic;
  /** The traffic that calls follow now. */
  readonly before: Traffic;
  readonly pods: readonly ReadyPod[];
}

/**
 * Chooses the traffic that calls follow. A change applies when every version in it has a ready pod in this snapshot,
 * because Functions and pods are watched separately. It also applies when no version of the traffic before is ready.
 */
export function obeyedTraffic({ wanted, before, pods }: TrafficChoice): Traffic {
  const isReady = ({ version }: Share) => pods.some((pod) => pod.version === version);
  return wanted.every(isReady) || !before.some(isReady) || isSameTraffic(wanted, before) ? wanted : before;
}

export interface EndpointsInput {
  readonly name: string;
  readonly kept: readonly KeptVersion[];
  readonly traffic: Traffic;
  readonly sticky?: Sticky | undefined;
  readonly pods: readonly ReadyPod[];
}

export function endpointsOf({ name, kept, traffic, sticky, pods }: EndpointsInput): Endpoints {
  const versions = kept.map(({ version, max, timeoutMs, memoryMiB, ...settings }) => {
    const instances = pods
      .filter((pod) => pod.version === version)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, address }) => ({ id, address }));
    return { version, max, ...placingOf(settings), timeoutMs, memoryMiB, instances };
  });
  const current = currentVersion(traffic);
  const front = kept.find(({ version }) => version === current) ?? kept.at(-1) ?? {};
  const rules = sticky === undefined ? {} : { sticky };
  return { name, traffic, ...rules, versions, ...frontOf(front, traffic.length > 0) };
}
