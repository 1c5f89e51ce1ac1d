import type { Endpoints, FunctionDescription, FunctionSummary, InstanceDescription } from "../platform.ts";
import { currentOf } from "../traffic.ts";
import type { FunctionResource, Pod } from "./cluster/resources.ts";
import { ANNOTATIONS } from "./objects/names.ts";
import { crashOf, isReady, isTerminating, troubleOf, versionOf } from "./objects/pod-state.ts";
import type { VersionRecord } from "./versions/versions.ts";

/** A function as it was read from the cluster. */
export interface Described {
  readonly resource: FunctionResource;
  readonly records: readonly VersionRecord[];
  readonly endpoints: Endpoints | undefined;
}

export function summarize({ resource, records, endpoints }: Described): FunctionSummary {
  const { metadata, status = {} } = resource;
  const version = status.version ?? 0;
  const record = records.find((each) => each.version === version);
  const { [ANNOTATIONS.createdAt]: created, [ANNOTATIONS.updatedAt]: updated } = metadata.annotations ?? {};
  const createdAt = new Date(created ?? metadata.creationTimestamp ?? 0);
  return {
    name: metadata.name,
    version,
    hash: record?.hash ?? "",
    createdAt,
    updatedAt: updated === undefined ? createdAt : new Date(updated),
    ready: currentOf(endpoints)?.instances.length ?? 0,
  };
}

export function describeFunction(
  described: Described,
  pods: readonly Pod[],
): FunctionDescription | undefined {
  const { resource, records } = described;
  const summary = summarize(described);
  const record = records.find(({ version }) => version === summary.version);
  if (!record) return undefined;
  const notReady = summary.ready > 0 ? undefined : whyNotReady(resource, pods);
  return {
    ...summary,
    settings: record.settings,
    traffic: described.endpoints?.traffic ?? [],
    versions: records.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
    instances: pods.map((pod) => describePod(pod, described.endpoints)),
    lastErrors: lastErrors(resource, pods),
    isolation: {
      files: "a pod for each instance, and Deno's permission flags",
      network: "the cluster's network policies, and Deno's permission flags",
    },
    ...(notReady === undefined ? {} : { notReady }),
  };
}

function describePod(pod: Pod, endpoints: Endpoints | undefined): InstanceDescription {
  const { uid = "", creationTimestamp = 0 } = pod.metadata;
  const version = versionOf(pod);
  // A new version serves before the rollout takes the pods of the one before away.
  const serving = currentOf(endpoints);
  const isReplaced = serving !== undefined && serving.instances.length > 0 && version < serving.version;
  const state = isReplaced || isTerminating(pod) ? "draining" : isReady(pod) ? "ready" : "starting";
  return {
    id: uid,
    version,
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
