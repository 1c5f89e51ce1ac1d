import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { launchOf, type ProjectLaunch } from "../../../client-image/project/project-pack.ts";
import type { Artifact, Draft, Source, SourceType } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { type ConfigMap, KINDS, type Place, type Resource } from "../cluster/resources.ts";
import { type Owner, partManifest } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";
import { newRecord, type Part, partNames, recordsOf, type VersionRecord } from "./versions.ts";

/**
 * A ConfigMap holds up to 1 MiB of data (https://kubernetes.io/docs/concepts/configuration/configmap/). The rest is for
 * annotations, which count in the size of the request.
 */
export const PART_BYTES = 1_000_000;
/** Parallel writes: a source of 20 MiB has about 40 ConfigMaps. */
const AT_ONCE = 4;
const PART_MS = 30_000;
const GONE_TRIES = 60;
const GONE_PAUSE_MS = 500;

/** Source and bundle of a version, gzipped. */
export interface PackedContent {
  readonly bundle: Uint8Array;
  readonly source: Uint8Array;
  readonly sourceType: SourceType;
  /** Size of the source as it was posted; undefined if an older Skiff stored it. */
  readonly sourceBytes: number | undefined;
  /** Absent if the artifact is a module. */
  readonly project?: ProjectLaunch | undefined;
}

/** Stores the versions of functions as ConfigMaps. */
export class VersionStore {
  readonly #api: KubeApi;
  readonly #namespace: string;

  constructor(api: KubeApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** Reads the complete versions of a function without their content, oldest first. */
  async records(name: string): Promise<VersionRecord[]> {
    const selector = `${LABELS.function}=${name},${LABELS.part}`;
    const { items } = await this.#api.list<Resource>(this.#place(), selector, { metadataOnly: true });
    return recordsOf(items);
  }

  /**
   * Packs the content of a draft.
   * @throws Problem `unknown_version`
   */
  async pack({ name, content }: Draft): Promise<PackedContent> {
    if (!("sameAs" in content)) {
      const [bundle, source] = await Promise.all([zip(content.artifact.code), zip(content.source.bytes)]);
      const project = launchOf(content.artifact.code);
      const { type: sourceType, bytes } = content.source;
      return { bundle, source, sourceType, sourceBytes: bytes.byteLength, project };
    }
    const record = (await this.records(name)).find(({ version }) => version === content.sameAs);
    const bundle = record && (await this.#read(record, "bundle"));
    const source = record && (await this.#read(record, "source"));
    if (bundle && source) {
      const { sourceType, sourceBytes, project } = record;
      return { bundle, source, sourceType, sourceBytes, project };
    }
    throw new Problem("unknown_version", `The function "${name}" has no version ${content.sameAs}.`);
  }

  /** Stores a version. An existing part stays, because its name contains the hash. */
  async store(
    draft: Draft,
    { owner, version, packed }: { owner: Owner; version: number; packed: PackedContent },
  ): Promise<VersionRecord> {
    const [bundle, source] = [packed.bundle, packed.source].map(split);
    const { sourceType, sourceBytes, project } = packed;
    const counts = { bundleParts: bundle!.length, sourceParts: source!.length };
    const launch = project === undefined ? {} : { project };
    const content = { sourceType, sourceBytes, ...launch, ...counts };
    const record = newRecord(draft, { version, createdAt: new Date(), ...content });
    await this.#write(record, owner, [...bundle!, ...source!]);
    return record;
  }

  /** Creates the deleted ConfigMaps of a bundle again. Resolves with false if their number differs. */
  async restoreBundle(record: VersionRecord, owner: Owner, { code }: Artifact): Promise<boolean> {
    const parts = split(await zip(code));
    if (parts.length !== record.bundleParts) return false;
    await this.#write(record, owner, parts);
    return true;
  }

  async readSource(record: VersionRecord): Promise<Source | undefined> {
    const packed = await this.#read(record, "source");
    return packed && { bytes: await promisify<Uint8Array, Buffer>(gunzip)(packed), type: record.sourceType };
  }

  async forget(record: Pick<VersionRecord, "name" | "version" | "hash">): Promise<void> {
    const selector = `${LABELS.function}=${record.name},${LABELS.version}=${record.version},${LABELS.part}`;
    const { items } = await this.#api.list<Resource>(this.#place(), selector, { metadataOnly: true });
    const mine = items.filter(({ metadata }) => metadata.name.includes(`-${record.hash.slice(0, 8)}-`));
    const places = mine.map(({ metadata }) => this.#place(metadata.name));
    await inTurns(places.map((place) => () => this.#api.delete(place, "Background")));
  }

  async #write(record: VersionRecord, owner: Owner, parts: readonly Uint8Array[]): Promise<void> {
    const work = parts.map((bytes, index) => () => {
      const part: Part = index < record.bundleParts ? "bundle" : "source";
      const options = { owner, namespace: this.#namespace };
      return this.#create(partManifest(record, { part, index, bytes }, options), owner);
    });
    await inTurns(work);
  }

  async #create(manifest: ReturnType<typeof partManifest>, owner: Owner): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#api.create(this.#place(), manifest, { deadlineMs: PART_MS });
        return;
      } catch (error) {
        if (!hasStatus(error, 409)) throw error;
        const existing = await this.#api.get<ConfigMap>(this.#place(manifest.metadata.name));
        if (existing?.metadata.ownerReferences?.some(({ uid }) => uid === owner.uid)) return;
        // The cluster is deleting the ConfigMap of a removed function of the same name.
        if (attempt === GONE_TRIES) throw error;
      }
      await pause(GONE_PAUSE_MS);
    }
  }

  /** Resolves with undefined if a ConfigMap is missing. */
  async #read(record: VersionRecord, part: Part): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (const name of partNames(record, part)) {
      const configMap = await this.#api.get<ConfigMap>(this.#place(name), { deadlineMs: PART_MS });
      const data = configMap?.binaryData?.part;
      if (data === undefined) return undefined;
      parts.push(Buffer.from(data, "base64"));
    }
    return Buffer.concat(parts);
  }

  #place(name?: string): Place {
    return { kind: KINDS.configMaps, namespace: this.#namespace, ...(name === undefined ? {} : { name }) };
  }
}

function zip(bytes: Uint8Array): Promise<Buffer> {
  return promisify<Uint8Array, Buffer>(gzip)(bytes);
}

/** Splits content into parts that fit a ConfigMap; at least one. */
export function split(packed: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(packed.length / PART_BYTES));
  return Array.from({ length: count }, (_, index) =>
    packed.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  );
}

async function inTurns(work: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (let start = 0; start < work.length; start += AT_ONCE) {
    await Promise.all(work.slice(start, start + AT_ONCE).map((each) => each()));
  }
}
