import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Artifact, Draft, Source, SourceType } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { type ConfigMap, KINDS, type Place, type Resource } from "../cluster/resources.ts";
import { type Owner, partManifest } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";
import { newRecord, type Part, partNames, recordsOf, type VersionRecord } from "./versions.ts";

/**
 * Data of a ConfigMap may take 1 MiB in all (https://kubernetes.io/docs/concepts/configuration/configmap/); the rest is
 * for annotations, which count in the size of the request.
 */
export const PART_BYTES = 1_000_000;
/** Writes at a time: a source of 20 MiB is some 40 ConfigMaps. */
const AT_ONCE = 4;
const PART_MS = 30_000;
const GONE_TRIES = 60;
const GONE_PAUSE_MS = 500;

/** Source and bundle of a version, gzipped. */
export interface PackedContent {
  readonly bundle: Uint8Array;
  readonly source: Uint8Array;
  readonly sourceType: SourceType;
}

/** The versions of functions as ConfigMaps. */
export class VersionStore {
  readonly #api: KubeApi;
  readonly #namespace: string;

  constructor(api: KubeApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** The whole versions of a function, oldest first. Reads no code. */
  async records(name: string): Promise<VersionRecord[]> {
    const selector = `${LABELS.function}=${name},${LABELS.part}`;
    const { items } = await this.#api.list<Resource>(this.#place(), selector, { metadataOnly: true });
    return recordsOf(items);
  }

  /**
   * The content of a draft as it is stored.
   * @throws Problem `unknown_version`
   */
  async pack({ name, content }: Draft): Promise<PackedContent> {
    if (!("sameAs" in content)) {
      const [bundle, source] = await Promise.all([zip(content.artifact.code), zip(content.source.bytes)]);
      return { bundle, source, sourceType: content.source.type };
    }
    const record = (await this.records(name)).find(({ version }) => version === content.sameAs);
    const bundle = record && (await this.#read(record, "bundle"));
    const source = record && (await this.#read(record, "source"));
    if (bundle && source) return { bundle, source, sourceType: record.sourceType };
    throw new Problem("unknown_version", `The function "${name}" has no version ${content.sameAs}.`);
  }

  /** Stores a version; a part that is there already stays as it is, because its name contains the hash. */
  async store(
    draft: Draft,
    { owner, version, packed }: { owner: Owner; version: number; packed: PackedContent },
  ): Promise<VersionRecord> {
    const [bundle, source] = [packed.bundle, packed.source].map(split);
    const { sourceType } = packed;
    const counts = { bundleParts: bundle!.length, sourceParts: source!.length };
    const record = newRecord(draft, { version, sourceType, createdAt: new Date(), ...counts });
    await this.#write(record, owner, [...bundle!, ...source!]);
    return record;
  }

  /** Makes the ConfigMaps of a bundle again that somebody has deleted. False if it has other parts than it had. */
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
    const work = mine.map(
      ({ metadata }) =>
        () =>
          this.#api.delete(this.#place(metadata.name), "Background"),
    );
    await inTurns(work, AT_ONCE);
  }

  async #write(record: VersionRecord, owner: Owner, parts: readonly Uint8Array[]): Promise<void> {
    const work = parts.map((bytes, index) => () => {
      const part: Part = index < record.bundleParts ? "bundle" : "source";
      const options = { owner, namespace: this.#namespace };
      return this.#create(partManifest(record, { part, index, bytes }, options), owner);
    });
    await inTurns(work, AT_ONCE);
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
        // It belongs to a removed function of the same name, and the cluster deletes it.
        if (attempt === GONE_TRIES) throw error;
      }
      await pause(GONE_PAUSE_MS);
    }
  }

  /** Undefined if a part is missing. */
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

/** Parts that are small enough for a ConfigMap; at least one. */
export function split(packed: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(packed.length / PART_BYTES));
  return Array.from({ length: count }, (_, index) =>
    packed.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  );
}

async function inTurns(work: readonly (() => Promise<unknown>)[], atOnce: number): Promise<void> {
  for (let start = 0; start < work.length; start += atOnce) {
    await Promise.all(work.slice(start, start + atOnce).map((each) => each()));
  }
}
