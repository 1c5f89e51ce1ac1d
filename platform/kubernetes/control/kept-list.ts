import { unlessStatus } from "../cluster/api-error.ts";
import type { FunctionResource, FunctionStatus, Resource } from "../cluster/resources.ts";
import { functionPlace, keptVersion } from "../objects/function-resource.ts";
import { allRecordsOf, missingParts, recordsOf, type VersionRecord } from "../versions/versions.ts";
import type { ControlOptions } from "./cluster-view.ts";

/** Keeps `status.versions` in step with the ConfigMaps that hold the versions. */
export class KeptList {
  readonly #options: ControlOptions;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /**
   * Returns the complete versions that may be called.
   * @param traffic the versions that take calls; a deleted bundle of theirs is built again
   * @param configMaps the leader's copy of the function's ConfigMaps
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
    // Without a list (an older Skiff, or a lost status) every complete version may be called.
    const serves = status.version ?? resource.spec.version;
    const isUnlisted = listed === undefined && serves !== undefined && has(stored, serves);
    if (listed === undefined && !isUnlisted) return [];
    const kept = stored.filter(({ version }) => isUnlisted || expected.includes(version));
    const versions = kept.map(keptVersion);
    const isSame = JSON.stringify(listed) === JSON.stringify(versions.map(({ version }) => version));
    if (!isSame) await this.#write(resource, { versions, ...(isUnlisted ? { version: serves } : {}) });
    return kept;
  }

  /** Builds a deleted bundle again from its source. A deleted source stays lost. */
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
    const artifact = await build(source, { settings: record.settings, signal });
    if (!(await versions.restoreBundle(record, { name, uid: uid! }, artifact))) return undefined;
    print(`${name}: the bundle of version ${version} was built again`);
    return record;
  }

  async #write({ metadata }: FunctionResource, status: FunctionStatus): Promise<void> {
    const { api, namespace } = this.#options;
    const { name, resourceVersion } = metadata;
    const place = { ...functionPlace(namespace, name), subresource: "status" };
    // A Function that has changed meanwhile is reconciled again.
    await unlessStatus(api.patch(place, { metadata: { resourceVersion }, status }), 404, 409);
  }
}
