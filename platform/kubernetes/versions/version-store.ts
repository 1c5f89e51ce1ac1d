import { setTimeout as pause } from "node:timers/promises";
import type { Bundle, Source } from "../../platform.ts";
import type { KubeApi } from "../cluster/api.ts";
import { ApiError, hasStatus } from "../cluster/api-error.ts";
import { type ConfigMap, KINDS, type Place, type Resource } from "../cluster/resources.ts";
import { type Owner, partManifest } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";
import { joinParts, splitIntoParts } from "./parts.ts";
import {
  newRecord,
  type Part,
  partNames,
  recordsOf,
  type VersionRecord,
  type WholeDraft,
} from "./versions.ts";

/** Writes at a time: a source of 20 MiB is some 40 ConfigMaps. */
const AT_ONCE = 4;
const PART_MS = 30_000;
const GONE_TRIES = 60;
const GONE_PAUSE_MS = 500;

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
    return recordsOf(await this.#parts(name));
  }

  /** Stores a version; a part that is there already is left as it is, because its name says its content. */
  async store(draft: WholeDraft, owner: Owner, version: number): Promise<VersionRecord> {
    const bundle = await splitIntoParts(draft.bundle.code);
    const source = await splitIntoParts(draft.source.bytes);
    const counts = { bundleParts: bundle.length, sourceParts: source.length };
    const record = newRecord({ draft, version, createdAt: new Date(), ...counts });
    await this.#write(record, owner, [...bundle, ...source]);
    return record;
  }

  /** Makes the ConfigMaps of a bundle again that somebody has deleted. False if it has other parts than it had. */
  async restoreBundle(record: VersionRecord, owner: Owner, bundle: Bundle): Promise<boolean> {
    const parts = await splitIntoParts(bundle.code);
    if (parts.length !== record.bundleParts) return false;
    await this.#write(record, owner, parts);
    return true;
  }

  async readSource(record: VersionRecord): Promise<Source | undefined> {
    const bytes = await this.#read(partNames(record, "source"));
    return bytes && { bytes, type: record.sourceType };
  }

  async readBundle(record: VersionRecord): Promise<Bundle | undefined> {
    const bytes = await this.#read(partNames(record, "bundle"));
    return bytes && { code: bytes };
  }

  async forget(record: Pick<VersionRecord, "name" | "version" | "hash">): Promise<void> {
    const selector = `${LABELS.function}=${record.name},${LABELS.version}=${record.version}`;
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

  async #parts(name: string): Promise<readonly Resource[]> {
    const selector = `${LABELS.function}=${name},${LABELS.part}`;
    return (await this.#api.list<Resource>(this.#place(), selector, { metadataOnly: true })).items;
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
        // It belongs to a function of the same name that was removed just now, and will follow it.
        if (attempt === GONE_TRIES) throw error;
      }
      await pause(GONE_PAUSE_MS);
    }
  }

  async #read(names: readonly string[]): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (const name of names) {
      const configMap = await this.#api.get<ConfigMap>(this.#place(name), { deadlineMs: PART_MS });
      const data = configMap?.binaryData?.part;
      if (data === undefined) return undefined;
      parts.push(Buffer.from(data, "base64"));
    }
    if (parts.length === 0) throw new ApiError(404, "NotFound", "the version has no parts");
    return await joinParts(parts);
  }

  #place(name?: string): Place {
    return { kind: KINDS.configMaps, namespace: this.#namespace, ...(name === undefined ? {} : { name }) };
  }
}

async function inTurns(work: readonly (() => Promise<unknown>)[], atOnce: number): Promise<void> {
  for (let start = 0; start < work.length; start += atOnce) {
    await Promise.all(work.slice(start, start + atOnce).map((each) => each()));
  }
}
