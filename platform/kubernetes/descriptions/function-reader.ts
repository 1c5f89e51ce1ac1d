import type { Limits } from "../../limits.ts";
import { describeEach } from "../../listing/pages.ts";
import type {
  FunctionDescription,
  FunctionSummary,
  Page,
  VersionRecord as PlatformRecord,
  Source,
} from "../../platform.ts";
import type { Cluster } from "../cluster/api.ts";
import type { MirrorTimes } from "../cluster/mirror.ts";
import { type Deployment, type FunctionResource, KINDS, type Pod } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { functionPlace, keptVersions } from "../objects/function-resource.ts";
import { LABELS } from "../objects/names.ts";
import type { VersionStore } from "../versions/version-store.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { type Described, describedOf, describeFunction, summarize } from "./describe-function.ts";
import { Overview } from "./overview.ts";
import type { PodMemory } from "./pod-memory.ts";

export interface ReaderOptions extends Cluster {
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
  readonly versions: VersionStore;
  readonly memory: PodMemory;
  readonly times?: MirrorTimes | undefined;
}

/** Reads functions from the API server, so that callers read their own writes. */
export class FunctionReader {
  readonly #options: ReaderOptions;
  readonly #overview: Overview;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#overview = new Overview({
      ...options,
      combine: (name, records) => {
        const resource = options.endpoints.functions.get(name);
        return resource && this.#isVisible(resource) ? this.#combine(resource, records) : undefined;
      },
    });
  }

  async close(): Promise<void> {
    await this.#overview.close();
  }

  async list({ after = "", limit }: Omit<Page, "names">): Promise<FunctionSummary[]> {
    const { api, namespace } = this.#options;
    const { items } = await api.list<FunctionResource>(functionPlace(namespace));
    const visible = items.filter((each) => each.metadata.name > after && this.#isVisible(each));
    const sorted = visible.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).slice(0, limit);
    return await Promise.all(sorted.map(async (resource) => summarize(await this.#described(resource))));
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    const { api, namespace, memory: measured } = this.#options;
    const resource = await this.#read(name);
    if (!resource) return undefined;
    const selector = `${LABELS.function}=${name}`;
    const [described, pods, deployments, memory] = await Promise.all([
      this.#described(resource),
      api.list<Pod>({ kind: KINDS.pods, namespace }, selector),
      api.list<Deployment>({ kind: KINDS.deployments, namespace }, selector),
      measured.read(),
    ]);
    return describeFunction(described, { pods: pods.items, deployments: deployments.items, memory });
  }

  /** Describes a page from memory, unless a watch is broken. */
  async describePage(page: Page): Promise<(FunctionDescription | FunctionSummary)[]> {
    return (await this.#overview.describePage(page)) ?? (await describeEach(this, page));
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
    return this.#combine(resource, await this.#options.versions.records(resource.metadata.name));
  }

  #combine(resource: FunctionResource, records: readonly VersionRecord[]): Described {
    const { limits, endpoints } = this.#options;
    const ready = (version: number) => endpoints.ready(resource.metadata.name, version);
    return describedOf({ resource, kept: keptVersions(resource, limits), records, ready });
  }
}

function withPin(record: VersionRecord, { spec }: FunctionResource): PlatformRecord {
  return { ...record, pinned: spec.pinned?.includes(record.version) ?? false };
}
