import type { Endpoints, Instance } from "../../platform.ts";
import type { Settings } from "../../settings.ts";
import type { EndpointSlice, Pod } from "../cluster/resources.ts";
import { LABELS, PORT, versionOfHostname } from "../objects/names.ts";
import { isReady, versionOf } from "../objects/pod-state.ts";

/** A pod that can take calls. */
export interface ReadyPod extends Instance {
  readonly version: number;
}

/** The pods of a Service that are ready and not on their way out, each once. */
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
 * The ready ones among pods that came from the pool and take calls. Their host name says no version, so slices do not
 * tell what they are; their labels do, and say so before the slice does.
 *
 * @param owner uid of the Function: one that was deleted and made again has nothing to do with the pods of before
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

export interface Choice {
  /** The version that should serve. */
  readonly wanted: number;
  /** The version that serves now. */
  readonly serving: number | undefined;
}

/**
 * The version whose pods take the calls. During a rollout pods of the old version go as those of the new one
 * come; calls change over in one step, when the new version has as many ready pods as are left of the old one,
 * so that no caller sees both in turn and the capacity is never below half.
 */
export function servingVersion(pods: readonly ReadyPod[], { wanted, serving }: Choice): number {
  const count = (version: number | undefined) => pods.filter((pod) => pod.version === version).length;
  const ready = count(wanted);
  if (ready === 0) {
    if (serving !== undefined && count(serving) > 0) return serving;
    // A newer one is not stored yet, or was taken back: a pod of the pool may have it all the same.
    return newest(pods.filter(({ version }) => version < wanted)) ?? wanted;
  }
  if (serving === undefined || serving === wanted) return wanted;
  return ready >= count(serving) ? wanted : serving;
}

function newest(pods: readonly ReadyPod[]): number | undefined {
  return pods.length === 0 ? undefined : Math.max(...pods.map(({ version }) => version));
}

export interface EndpointsInput {
  readonly name: string;
  readonly pods: readonly ReadyPod[];
  readonly version: number;
  readonly settings: Pick<Settings, "concurrency" | "timeoutMs">;
}

export function endpointsOf({ name, pods, version, settings }: EndpointsInput): Endpoints {
  const { concurrency, timeoutMs } = settings;
  const instances = pods
    .filter((pod) => pod.version === version)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, address }) => ({ id, address }));
  return {
    name,
    traffic: [{ version, weight: 1 }],
    versions: [{ version, concurrency, timeoutMs, instances }],
  };
}

export function isSameEndpoints(a: Endpoints | undefined, b: Endpoints): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
