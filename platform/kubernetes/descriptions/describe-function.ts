import type { FunctionDescription, FunctionSummary, InstanceDescription, Traffic } from "../../platform.ts";
import type { Settings } from "../../settings/settings.ts";
import { currentVersion, previousVersion } from "../../traffic.ts";
import type { Deployment, FunctionResource, Pod } from "../cluster/resources.ts";
import { historyOf, type keptVersions, rulesOf, trafficOf } from "../objects/function-resource.ts";
import { ANNOTATIONS, LABELS } from "../objects/names.ts";
import { crashOf, isReady, isTerminating, troubleOf, versionOf } from "../objects/pod-state.ts";
import type { VersionRecord } from "../versions/versions.ts";

const ERRORS_SHOWN = 10;

/** A function in the cluster. */
export interface Described {
  readonly resource: FunctionResource;
  /** The versions that may be called, oldest first. */
  readonly records: readonly VersionRecord[];
  readonly traffic: Traffic;
  /** Undefined if its code is lost. */
  readonly current: VersionRecord | undefined;
  /** Ready instances of the current version. */
  readonly ready: number;
  /** Ids of the instances that routers call: a pod that has answered a probe is one before Kubernetes says so. */
  readonly listed: ReadonlySet<string>;
}

/** The objects of a function, and its instances that take calls. */
export interface Parts {
  readonly resource: FunctionResource;
  /** The versions that may be called. */
  readonly kept: ReturnType<typeof keptVersions>;
  /** The complete versions, oldest first. */
  readonly records: readonly VersionRecord[];
  /** Returns the pods of a version that take calls. */
  readonly ready: (version: number) => readonly { readonly id: string }[];
}

/** Combines the objects of a function. */
export function describedOf({ resource, kept, records: complete, ready }: Parts): Described {
  const traffic = trafficOf(resource, kept);
  const isUnlisted = resource.status?.versions === undefined;
  const records = complete.filter(
    (record) => isUnlisted || kept.some(({ version }) => version === record.version),
  );
  const number = currentVersion(traffic);
  const current = number === undefined ? records.at(-1) : records.find(({ version }) => version === number);
  const listed = traffic.flatMap(({ version }) => ready(version).map(({ id }) => id));
  return {
    ...{ resource, records, traffic, current, listed: new Set(listed) },
    ready: current ? ready(current.version).length : 0,
  };
}

/** Returns the summary of a function for lists. */
export function summarize({ resource, current, ready }: Described): FunctionSummary {
  const { metadata, status = {} } = resource;
  const { [ANNOTATIONS.createdAt]: created, [ANNOTATIONS.updatedAt]: updated } = metadata.annotations ?? {};
  const createdAt = new Date(created ?? metadata.creationTimestamp ?? 0);
  return {
    name: metadata.name,
    version: current?.version ?? status.version ?? 0,
    hash: current?.hash ?? "",
    createdAt,
    updatedAt: updated === undefined ? createdAt : new Date(updated),
    ready,
  };
}

/** The pods and Deployments of a function. */
export interface Running {
  readonly pods: readonly Pod[];
  readonly deployments: readonly Deployment[];
  /** Memory of pods by name, in MiB, where the cluster measures it. */
  readonly memory?: ReadonlyMap<string, number> | undefined;
}

/** Returns the description of a function for people; undefined if the code of its current version is lost. */
export function describeFunction(
  described: Described,
  { pods, deployments, memory }: Running,
): FunctionDescription | undefined {
  const { resource, records, traffic, current } = described;
  if (!current) return undefined;
  const stopped = deployments.filter(({ spec }) => spec.replicas === 0).flatMap(versionLabel);
  const serving = pods.filter((pod) => traffic.some(({ version }) => version === versionOf(pod)));
  const notReady = described.ready > 0 ? undefined : whyNotReady(resource, serving);
  return {
    ...summarize(described),
    settings: current.settings,
    traffic,
    ...rulesOf(resource.spec),
    previous: previousVersion(historyOf(resource, traffic)),
    versions: records.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
    instances: pods.map((pod) => {
      const isListed = described.listed.has(pod.metadata.uid ?? "");
      const memoryMiB = memory?.get(pod.metadata.name);
      return describePod(pod, { isListed, isStopped: stopped.includes(versionOf(pod)), memoryMiB });
    }),
    lastErrors: lastErrors(resource, pods),
    isolation: isolationOf(current.settings),
    ...(notReady === undefined ? {} : { notReady }),
  };
}

function isolationOf({ runtime, isolation }: Settings): { files: string; network: string } {
  const flags = runtime === "deno" ? ", and Deno's permission flags" : "";
  const each = isolation === "call" ? "call" : "instance";
  return { files: `a pod for each ${each}${flags}`, network: `the cluster's network policies${flags}` };
}

function versionLabel({ metadata }: Deployment): number[] {
  const label = metadata.labels?.[LABELS.version];
  return label === undefined ? [] : [Number(label)];
}

interface PodUse {
  /** Routers call it. */
  readonly isListed: boolean;
  /** Its Deployment has 0 replicas, so Kubernetes is about to delete the pod. */
  readonly isStopped: boolean;
  readonly memoryMiB: number | undefined;
}

function describePod(pod: Pod, { isListed, isStopped, memoryMiB }: PodUse): InstanceDescription {
  const { uid = "", creationTimestamp = 0 } = pod.metadata;
  const isServing = isListed || isReady(pod);
  const state = isStopped || isTerminating(pod) ? "draining" : isServing ? "ready" : "starting";
  return {
    id: uid,
    version: versionOf(pod),
    state,
    startedAt: new Date(pod.status?.startTime ?? creationTimestamp),
    ...(memoryMiB === undefined ? {} : { memoryMiB: Math.round(memoryMiB) }),
  };
}

function whyNotReady(resource: FunctionResource, pods: readonly Pod[]): string | undefined {
  for (const pod of pods) {
    const trouble = troubleOf(pod);
    if (trouble) return [trouble.message, ...trouble.log.slice(-1)].join(" ");
  }
  const ready = resource.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "False") return ready.message;
  return pods.some((pod) => !isTerminating(pod)) ? "Starting." : undefined;
}

function lastErrors(resource: FunctionResource, pods: readonly Pod[]): { at: Date; message: string }[] {
  const kept = (resource.status?.lastErrors ?? []).map(({ at, message }) => ({ at: new Date(at), message }));
  const seen = new Set(kept.map(({ message }) => message));
  const fresh = pods.flatMap((pod) => {
    const crash = crashOf(pod);
    const message = crash && [crash.message, ...crash.log].join("\n");
    return message === undefined || seen.has(message)
      ? []
      : [{ at: new Date(crash?.at ?? Date.now()), message }];
  });
  return [...kept, ...fresh].sort((a, b) => a.at.getTime() - b.at.getTime()).slice(-ERRORS_SHOWN);
}
