import type { Limits } from "../limits.ts";
import type { FunctionDescription, FunctionSummary, Source } from "../platform.ts";
import { currentVersion } from "../traffic.ts";
import type { KubeApi } from "./cluster/api.ts";
import { clusterProblem } from "./cluster/api-error.ts";
import { type Deployment, type FunctionResource, KINDS, type Pod } from "./cluster/resources.ts";
import { describeFunction, summarize } from "./description.ts";
import type { EndpointsMirror } from "./endpoints/endpoints-mirror.ts";
import { keptVersions, trafficOf } from "./objects/function-resource.ts";
import { LABELS } from "./objects/names.ts";
import { functionPlace } from "./publishing/publish-turns.ts";
import type { VersionStore } from "./versions/version-store.ts";
import type { VersionRecord } from "./versions/versions.ts";

export interface ReaderOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
  readonly versions: VersionStore;
}

/** Answers what there is, as the cluster has it at the moment. */
export class FunctionReader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  list({ after = "", limit }: { after?: string | undefined; limit: number }): Promise<FunctionSummary[]> {
    const { api, namespace } = this.#options;
    return fromCluster(async () => {
      const { items } = await api.list<FunctionResource>(functionPlace(namespace));
      const there = items.filter((each) => each.metadata.name > after && this.#isThere(each));
      const sorted = there.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).slice(0, limit);
      return await Promise.all(sorted.map(async (resource) => summarize(await this.#described(resource))));
    });
  }

  describe(name: string): Promise<FunctionDescription | undefined> {
    const { api, namespace } = this.#options;
    return fromCluster(async () => {
      const resource = await this.#read(name);
      if (!resource) return undefined;
      const selector = `${LABELS.function}=${name}`;
      const [described, pods, deployments] = await Promise.all([
        this.#described(resource),
        api.list<Pod>({ kind: KINDS.pods, namespace }, selector),
        api.list<Deployment>({ kind: KINDS.deployments, namespace }, selector),
      ]);
      return describeFunction(described, { pods: pods.items, deployments: deployments.items });
    });
  }

  find(name: string, version?: number): Promise<VersionRecord | undefined> {
    return fromCluster(async () => {
      const resource = await this.#read(name);
      if (!resource) return undefined;
      const { records, current } = await this.#described(resource);
      return version === undefined ? current : records.find((record) => record.version === version);
    });
  }

  async readSource(name: string, version?: number): Promise<Source | undefined> {
    const record = await this.find(name, version);
    return record && (await fromCluster(() => this.#options.versions.readSource(record)));
  }

  /** Undefined if users see no such function: it is there from its first version until it is being deleted. */
  async #read(name: string): Promise<FunctionResource | undefined> {
    const { api, namespace } = this.#options;
    const resource = await api.get<FunctionResource>(functionPlace(namespace, name));
    return resource && this.#isThere(resource) ? resource : undefined;
  }

  #isThere(resource: FunctionResource): boolean {
    const isDeleted = resource.metadata.deletionTimestamp !== undefined;
    return !isDeleted && keptVersions(resource, this.#options.limits).length > 0;
  }

  async #described(resource: FunctionResource) {
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
    return { resource, records, traffic, current, ready };
  }
}

/** The result of work on the cluster, whose failures become Problems. */
export async function fromCluster<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw clusterProblem(error);
  }
}
