import { LRUCache } from "lru-cache";
import type { ProjectLaunch } from "../../../client-image/project/project-pack.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Cluster } from "../cluster/api.ts";
import { type ConfigMap, KINDS } from "../cluster/resources.ts";
import type { Owner } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";
import { partNames, recordsInParts } from "../versions/versions.ts";

/** Content of a version that a pod of the pool loads. */
export interface PackedVersion {
  readonly settings: Settings;
  /** Absent if the bundle is a module. */
  readonly project?: ProjectLaunch | undefined;
  /** Gzipped. */
  readonly bundle: Uint8Array;
}

const CACHE_BYTES = 64 * 1024 ** 2;

/** Caches the bundles of versions that this program started, and reads others from their ConfigMaps. */
export class BundleCache {
  readonly #cluster: Cluster;
  readonly #packed = new LRUCache<string, PackedVersion>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ bundle }) => bundle.length + 1,
  });

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** @throws Error if a part of the bundle is missing; ApiError, ApiUnreachable */
  async read(
    { name, uid, version }: Owner & { version: number },
    signal: AbortSignal,
  ): Promise<PackedVersion> {
    // By uid: a Function that is deleted and created again numbers its versions from 1 again.
    const key = `${uid}/${version}`;
    const known = this.#packed.get(key);
    if (known) return known;
    const selector = `${LABELS.function}=${name},${LABELS.version}=${version},${LABELS.part}=bundle`;
    const { api, namespace } = this.#cluster;
    const { items } = await api.list<ConfigMap>({ kind: KINDS.configMaps, namespace }, selector, { signal });
    const record = recordsInParts(items, "bundle")[0];
    if (!record) throw new Error(`a part of the bundle of version ${version} is missing`);
    const byName = new Map(items.map((each) => [each.metadata.name, each.binaryData?.part ?? ""]));
    const parts = partNames(record, "bundle").map((part) => Buffer.from(byName.get(part) ?? "", "base64"));
    const { settings, project } = record;
    const packed = { settings, project, bundle: Buffer.concat(parts) };
    this.#packed.set(key, packed);
    return packed;
  }
}
