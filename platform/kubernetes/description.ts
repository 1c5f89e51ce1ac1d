import type { FunctionDescription, FunctionSummary, InstanceDescription, Traffic } from "../platform.ts";
import type { Deployment, FunctionResource, Pod } from "./cluster/resources.ts";
import { ANNOTATIONS, LABELS } from "./objects/names.ts";
import { crashOf, isReady, isTerminating, troubleOf, versionOf } from "./objects/pod-state.ts";
import type { VersionRecord } from "./versions/versions.ts";

/** A function as it was read from the cluster. */
export interface Described {
  readonly resource: FunctionResource;
  /** Every version that may be called, oldest first. */
  readonly records: readonly VersionRecord[];
  readonly traffic: Traffic;
  /** Undefined if its code is lost. */
  readonly current: VersionRecord | undefined;
  /** Ready instances of the current version. */
  readonly ready: number;
}

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

export interface Running {
  readonly pods: readonly Pod[];
  readonly deployments: readonly Deployment[];
}

export function describeFunction(
  described: Described,
  { pods, deployments }: Running,
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
    versions: records.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
    instances: pods.map((pod) => describePod(pod, stopped.includes(versionOf(pod)))),
    lastErrors: lastErrors(resource, pods),
    isolation: {
      files: "a pod for each instance, and Deno's permission flags",
      network: "the cluster's network policies, and Deno's permission flags",
    },
    ...(notReady === undefined ? {} : { notReady }),
  };
}

function versionLabel({ metadata }: Deployment): number[] {
  const label = metadata.labels?.[LABELS.version];
  return label === undefined ? [] : [Number(label)];
}

/** @param isStopped its Deployment wants no pods any more: Kubernetes deletes it in a moment */
function describePod(pod: Pod, isStopped: boolean): InstanceDescription {
  const { uid = "", creationTimestamp = 0 } = pod.metadata;
  const state = isStopped || isTerminating(pod) ? "draining" : isReady(pod) ? "ready" : "starting";
  return {
    id: uid,
    version: versionOf(pod),
    state,
    startedAt: new Date(pod.status?.startTime ?? creationTimestamp),
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

const ERRORS_SHOWN = 10;

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
