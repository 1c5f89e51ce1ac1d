import type { Artifact, Source } from "../../platform.ts";
import { currentVersion } from "../../traffic.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import type { FunctionResource, FunctionStatus, Resource } from "../cluster/resources.ts";
import { keptVersion } from "../objects/function-resource.ts";
import { functionPlace } from "../publishing/publish-turns.ts";
import type { VersionStore } from "../versions/version-store.ts";
import { allRecordsOf, missingParts, recordsOf, type VersionRecord } from "../versions/versions.ts";

export interface KeptListOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly versions: VersionStore;
  readonly build: (source: Source, signal: AbortSignal) => Promise<Artifact>;
  readonly print: (line: string) => void;
}

/** Keeps `status.versions` in step with the ConfigMaps that hold the versions. */
export class KeptList {
  readonly #options: KeptListOptions;

  constructor(options: KeptListOptions) {
    this.#options = options;
  }

  /**
   * The whole versions that may be called.
   * @param traffic the versions that take calls: their bundle is built again if somebody has deleted it
   * @param configMaps of the function, as the leader last saw them
   */
  async sync(
    resource: FunctionResource,
    { traffic, configMaps }: { traffic: readonly number[]; configMaps: readonly Resource[] },
    signal: AbortSignal,
  ): Promise<VersionRecord[]> {
    const { name } = resource.metadata;
    const { status = {} } = resource;
    const listed = status.versions?.map(({ version }) => version);
    const has = (records: readonly VersionRecord[], version: number) =>
      records.some((record) => record.version === version);
    let stored = recordsOf(configMaps);
    // The copy of the ConfigMaps may be behind that of the Functions.
    const expected = [...new Set([...traffic, ...(listed ?? [])])];
    if (!expected.every((version) => has(stored, version)))
      stored = await this.#options.versions.records(name);
    for (const version of traffic.filter((each) => !has(stored, each))) {
      const restored = await this.#restore(resource, { version, configMaps }, signal);
      if (restored) stored = [...stored, restored].sort((a, b) => a.version - b.version);
    }
    // An older Skiff keeps no list, nor does a status that was lost: all that is whole may be called then.
    const serves = status.version ?? resource.spec.version;
    const isUnlisted = listed === undefined && serves !== undefined && has(stored, serves);
    if (listed === undefined && !isUnlisted) return [];
    const kept = stored.filter(({ version }) => isUnlisted || expected.includes(version));
    const versions = kept.map(keptVersion);
    const isSame = JSON.stringify(listed) === JSON.stringify(versions.map(({ version }) => version));
    if (!isSame) await this.#write(resource, { versions, ...(isUnlisted ? { version: serves } : {}) });
    return kept;
  }

  /** Builds a bundle again whose ConfigMaps somebody has deleted, from its source. A lost source stays lost. */
  async #restore(
    { metadata }: FunctionResource,
    { version, configMaps }: { version: number; configMaps: readonly Resource[] },
    signal: AbortSignal,
  ): Promise<VersionRecord | undefined> {
    const { versions, build, print } = this.#options;
    const { name, uid } = metadata;
    const record = allRecordsOf(configMaps).find((each) => each.version === version);
    if (!record || missingParts(record, configMaps).includes("source")) return undefined;
    const source = await versions.readSource(record);
    if (!source) return undefined;
    const artifact = await build(source, signal);
    if (!(await versions.restoreBundle(record, { name, uid: uid! }, artifact))) return undefined;
    print(`${name}: the bundle of version ${version} was built again`);
    return record;
  }

  async #write({ metadata }: FunctionResource, status: FunctionStatus): Promise<void> {
    const { api, namespace } = this.#options;
    const { name, resourceVersion } = metadata;
    const place = { ...functionPlace(namespace, name), subresource: "status" };
    try {
      await api.patch(place, { metadata: { resourceVersion }, status });
    } catch (error) {
      // It has changed meanwhile, and is looked at again.
      if (!hasStatus(error, 409) && !hasStatus(error, 404)) throw error;
    }
  }
}

/** The version that most calls follow, of those that are whole. */
export function currentRecord(
  records: readonly VersionRecord[],
  traffic: Parameters<typeof currentVersion>[0],
): VersionRecord | undefined {
  const current = currentVersion(traffic);
  return records.find(({ version }) => version === current);
}
