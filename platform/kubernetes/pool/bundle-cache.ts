import { LRUCache } from "lru-cache";
import type { Settings } from "../../settings.ts";
import type { KubeApi } from "../cluster/api.ts";
import { type ConfigMap, KINDS } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { partNames, recordsInParts } from "../versions/versions.ts";

/** A version as a pod of the pool is given it. */
export interface PackedVersion {
  readonly settings: Settings;
  /** Gzipped. */
  readonly bundle: Uint8Array;
}

export interface Wanted {
  readonly name: string;
  /** Of the Function: one that was deleted and made again counts its versions from 1 again. */
  readonly uid: string;
  readonly version: number;
}

const CACHE_BYTES = 64 * 1024 ** 2;

/** Bundles of functions that were woken here; one that is not kept is one call of the API away. */
export class BundleCache {
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #packed = new LRUCache<string, PackedVersion>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ bundle }) => bundle.length + 1,
  });

  constructor(api: KubeApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** @throws Error if the version is not whole; ApiError, ApiUnreachable */
  async read({ name, uid, version }: Wanted, signal: AbortSignal): Promise<PackedVersion> {
    const key = `${uid}/${version}`;
    const known = this.#packed.get(key);
    if (known) return known;
    const selector = `${LABELS.function}=${name},${LABELS.version}=${version},${LABELS.part}=bundle`;
    const place = { kind: KINDS.configMaps, namespace: this.#namespace };
    const { items } = await this.#api.list<ConfigMap>(place, selector, { signal });
    const record = recordsInParts(items, "bundle")[0];
    if (!record) throw new Error(`the bundle of version ${version} is not whole`);
    const byName = new Map(items.map((each) => [each.metadata.name, each.binaryData?.part ?? ""]));
    const parts = partNames(record, "bundle").map((part) => Buffer.from(byName.get(part) ?? "", "base64"));
    const packed = { settings: record.settings, bundle: Buffer.concat(parts) };
    this.#packed.set(key, packed);
    return packed;
  }
}
