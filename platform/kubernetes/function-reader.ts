import type { Limits } from "../limits.ts";
import type {
  FunctionDescription,
  FunctionSummary,
  InstanceDescription,
  VersionRecord as PlatformRecord,
  Source,
  Traffic,
} from "../platform.ts";
import type { Settings } from "../settings/settings.ts";
import { currentVersion, previousVersion } from "../traffic.ts";
import type { Cluster } from "./cluster/api.ts";
import { type Deployment, type FunctionResource, KINDS, type Pod } from "./cluster/resources.ts";
import type { EndpointsMirror } from "./endpoints/endpoints-mirror.ts";
import { functionPlace, historyOf, keptVersions, rulesOf, trafficOf } from "./objects/function-resource.ts";
import { ANNOTATIONS, LABELS } from "./objects/names.ts";
import { crashOf, isReady, isTerminating, troubleOf, versionOf } from "./objects/pod-state.ts";
import type { VersionStore } from "./versions/version-store.ts";
import type { VersionRecord } from "./versions/versions.ts";

const ERRORS_SHOWN = 10;

export interface ReaderOptions extends Cluster {
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
  readonly versions: VersionStore;
}

/** Reads functions from the API server, so that callers read their own writes. */
export class FunctionReader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  async list({
    after = "",
    limit,
  }: {
    after?: string | undefined;
    limit: number;
  }): Promise<FunctionSummary[]> {
    const { api, namespace } = this.#options;
    const { items } = await api.list<FunctionResource>(functionPlace(namespace));
    const visible = items.filter((each) => each.metadata.name > after && this.#isVisible(each));
    const sorted = visible.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).slice(0, limit);
    return await Promise.all(sorted.map(async (resource) => summarize(await this.#described(resource))));
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    const { api, namespace } = this.#options;
    const resource = await this.#read(name);
    if (!resource) return undefined;
    const selector = `${LABELS.function}=${name}`;
    const [described, pods, deployments] = await Promise.all([
      this.#described(resource),
      api.list<Pod>({ kind: KINDS.pods, namespace }, selector),
      api.list<Deployment>({ kind: KINDS.deployments, namespace }, selector),
    ]);
    return describeFunction(described, { pods: pods.items, deployments: deployments.items });
  }

  async find(name: string, version?: number): Promise<PlatformRecord | undefined> {
    const resource = await this.#read(name);
    const record = resource && (await this.#record(resource, version));
    return record && withPin(record, resource);
  }

  async listVersions(name: string): Promise<readonly PlatformRecord[] | undefined> {
    const resource = await this.#read(name);
    const described = resource && (await this.#described(resource));
    return described?.records.map((record) => withPin(record, described.resource));
  }

  async readSource(name: string, version?: number): Promise<Source | undefined> {
    const resource = await this.#read(name);
    const record = resource && (await this.#record(resource, version));
    return record && (await this.#options.versions.readSource(record));
  }

  /** Resolves with undefined if users do not see the function: before its first version and during its deletion. */
  async #read(name: string): Promise<FunctionResource | undefined> {
    const { api, namespace } = this.#options;
    const resource = await api.get<FunctionResource>(functionPlace(namespace, name));
    return resource && this.#isVisible(resource) ? resource : undefined;
  }

  async #record(resource: FunctionResource, version?: number): Promise<VersionRecord | undefined> {
    const { records, current } = await this.#described(resource);
    return version === undefined ? current : records.find((record) => record.version === version);
  }

  #isVisible(resource: FunctionResource): boolean {
    const isDeleted = resource.metadata.deletionTimestamp !== undefined;
    return !isDeleted && keptVersions(resource, this.#options.limits).length > 0;
  }

  async #described(resource: FunctionResource): Promise<Described> {
    const { versions, limits, endpoints } = this.#options;
    const { name } = resource.metadata;
    const kept = keptVersions(resource, limits);
    const traffic = trafficOf(resource, kept);
    const isUnlisted = resource.status?.versions === undefined;
    const records = (await versions.records(name)).filter(
      (record) => isUnlisted || kept.some(({ version }) => version === record.version),
    );
    const number = currentVersion(traffic);
    const current = number === undefined ? records.at(-1) : records.find(({ version }) => version === number);
    const ready = current ? endpoints.ready(name, current.version).length : 0;
    const listed = traffic.flatMap(({ version }) => endpoints.ready(name, version).map(({ id }) => id));
    return { resource, records, traffic, current, ready, listed: new Set(listed) };
  }
}

/** A function in the cluster. */
interface Described {
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

function withPin(record: VersionRecord, { spec }: FunctionResource): PlatformRecord {
  return { ...record, pinned: spec.pinned?.includes(record.version) ?? false };
}

function summarize({ resource, current, ready }: Described): FunctionSummary {
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

function describeFunction(
  described: Described,
  { pods, deployments }: { pods: readonly Pod[]; deployments: readonly Deployment[] },
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
      return describePod(pod, { isListed, isStopped: stopped.includes(versionOf(pod)) });
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
}

function describePod(pod: Pod, { isListed, isStopped }: PodUse): InstanceDescription {
  const { uid = "", creationTimestamp = 0 } = pod.metadata;
  const isServing = isListed || isReady(pod);
  const state = isStopped || isTerminating(pod) ? "draining" : isServing ? "ready" : "starting";
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
