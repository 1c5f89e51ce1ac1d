import { pipeline } from "node:stream";
import { promisify } from "node:util";
import { createGzip, type Gzip } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import type { Limits } from "../../platform/limits.ts";
import type { Platform, Source, VersionRecord } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { defaultSettings, type Settings } from "../../platform/settings/settings.ts";
import { IMAGE_TYPE, readImageSource } from "../../runtimes/image/image-artifact.ts";
import type { Builder, Unpacked } from "../../runtimes/runtime.ts";
import { ARCHIVES, mergeDeclared } from "../deploys/skiff-yaml.ts";
import { SOURCE_ENDINGS } from "../deploys/source-endings.ts";
import { allObjects } from "./all-objects.ts";
import { imageForManifest } from "./image-text.ts";
import { KEPT_VALUE } from "./manifest/check-settings.ts";
import type { ObjectKind } from "./object-kind.ts";
import { formOf, type ShowVariable } from "./settings-form.ts";
import { yamlText } from "./yaml-text.ts";

export interface ExportOptions {
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
  /** The functions to export. */
  readonly names: readonly string[];
  /** The kinds of declarations to export with them. */
  readonly kinds: readonly Pick<ObjectKind, "kind" | "plural">[];
  /** Whether values of variables are in the file; otherwise `***` stands for each. */
  readonly values: boolean;
  readonly signal: AbortSignal;
}

const MANIFEST = "skiff.yaml";
const HEAD = `# Functions of Skiff, with topics, flows, subscriptions and schedules. An apply of this folder restores them: see docs/files.md.
`;

/**
 * Writes functions as a folder that an apply takes: a file or a folder for each source, and a `skiff.yaml`. The stream is
 * a tar.gz. Sources are read one after the other, as fast as they are taken.
 */
export function exportFunctions(options: ExportOptions): Gzip {
  const packing = pack();
  const gzip = createGzip();
  // An error of either ends both; whoever reads the stream gets it.
  pipeline(packing, gzip, () => {});
  writeFolder(packing, options).then(
    () => packing.finalize(),
    (error: Error) => gzip.destroy(error),
  );
  return gzip;
}

async function writeFolder(packing: Pack, options: ExportOptions): Promise<void> {
  const functions: Record<string, unknown> = {};
  let newest = new Date(0);
  for (const name of options.names) {
    options.signal.throwIfAborted();
    const written = await writeFunction(packing, name, options);
    if (written === undefined) continue;
    functions[name] = written.members;
    if (written.updatedAt > newest) newest = written.updatedAt;
  }
  const objects = await objectsOf(packing, options);
  const secret = options.values ? "# It has the values of variables, which may be secrets.\n" : "";
  const text = `${HEAD}${secret}${await yamlText({ functions, ...objects })}`;
  await writeFile(packing, { name: MANIFEST, mtime: newest }, Buffer.from(text));
}

/** Specs by name, as an apply takes them, or the file of one that is a text. A kind without any has no member. */
async function objectsOf(
  packing: Pack,
  { platform, kinds }: ExportOptions,
): Promise<Record<string, unknown>> {
  const objects: Record<string, unknown> = {};
  for (const kind of kinds) {
    const specs: [name: string, spec: unknown][] = [];
    for (const { name, spec, updatedAt: mtime } of await allObjects(platform, kind)) {
      const isText = kind.plural === "flows" && typeof spec.source === "string";
      const file = `${name}.flow.yaml`;
      if (isText) await writeFile(packing, { name: file, mtime }, Buffer.from(spec.source as string));
      specs.push([name, isText ? file : spec]);
    }
    if (specs.length > 0) objects[kind.plural] = Object.fromEntries(specs);
  }
  return objects;
}

/** Undefined for a function that was removed meanwhile. */
async function writeFunction(
  packing: Pack,
  name: string,
  options: ExportOptions,
): Promise<{ readonly members: unknown; readonly updatedAt: Date } | undefined> {
  const description = await options.platform.describe(name);
  if (description === undefined) return undefined;
  const { traffic, sticky, guard, version: current, updatedAt } = description;
  const isSplit = traffic.length !== 1 || sticky !== undefined || guard !== undefined;
  const shares = traffic.length === 0 ? [{ version: current, weight: 0 }] : traffic;
  const versions: Record<string, unknown>[] = [];
  for (const { version, weight } of shares.toSorted((one, other) => one.version - other.version)) {
    const record = await options.platform.find(name, version);
    const source = record && (await options.platform.readSource(name, version));
    if (record === undefined || source === undefined) return undefined;
    const path = version === current ? name : `${name}@${version}`;
    const { source: file, ...members } = await writeVersion(packing, { record, source, path }, options);
    const isKnown = file === undefined || (version === current && isDefault(file, name));
    const named = isKnown ? {} : { source: file };
    versions.push({ ...(isSplit ? { weight } : {}), ...named, ...members });
  }
  const rules = { ...(sticky ? { sticky } : {}), ...(guard ? { guard } : {}) };
  return { members: isSplit ? { versions, ...rules } : versions[0], updatedAt };
}

/** Whether an apply finds the source without being told. */
function isDefault(source: string, name: string): boolean {
  return source === `${name}.ts` || source === `${name}/` || source === name;
}

interface Exported {
  readonly record: VersionRecord;
  readonly source: Source;
  /** Name of the file or folder, without an ending. */
  readonly path: string;
}

interface VersionMembers extends Record<string, unknown> {
  /** Absent for an image. */
  readonly source?: string;
}

/** Writes the source of a version, and returns its members in the manifest. */
async function writeVersion(
  packing: Pack,
  exported: Exported,
  options: ExportOptions,
): Promise<VersionMembers> {
  const { record, source, path } = exported;
  const { limits, values } = options;
  const show: ShowVariable = (_name, value) => (values ? value : KEPT_VALUE);
  const defaults = defaultSettings(limits);
  const mtime = record.createdAt;
  if (source.type === IMAGE_TYPE) {
    const image = imageForManifest(readImageSource(source));
    const { runtime: _, ...members } = formOf(record.settings, defaults, show);
    return { image, ...members };
  }
  const unpacked = ARCHIVES.includes(source.type) ? await unpack(source, options) : undefined;
  if (unpacked === undefined) {
    const file = `${path}${SOURCE_ENDINGS[source.type]}`;
    await writeFile(packing, { name: file, mtime }, source.bytes);
    return { source: file, ...formOf(record.settings, defaults, show) };
  }
  for (const [inner, bytes] of [...unpacked.files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await writeFile(packing, { name: `${path}/${inner}`, mtime }, bytes);
  }
  return { source: `${path}/`, ...formOf(record.settings, baseOf(unpacked, defaults, limits), show) };
}

/** The settings that the `skiff.yaml` of a source leads to by itself. */
function baseOf({ manifest }: Unpacked, defaults: Settings, limits: Limits): Settings {
  if (manifest === undefined || manifest.file === "functions.yaml") return defaults;
  try {
    return mergeDeclared(defaults, manifest.value, limits);
  } catch (error) {
    // It was deployed under other limits; an apply says so.
    if (error instanceof Problem && error.code === "invalid_setting") return defaults;
    throw error;
  }
}

/** Undefined for an archive that a newer Skiff does not read. */
async function unpack(source: Source, { builder, signal }: ExportOptions): Promise<Unpacked | undefined> {
  try {
    return await builder.unpack(source, signal);
  } catch (error) {
    if (error instanceof Problem && /^(invalid_source|source_too_large)$/.test(error.code)) return undefined;
    throw error;
  }
}

/** Waits until the reader of the stream has taken what came before. */
async function writeFile(
  packing: Pack,
  header: { name: string; mtime: Date },
  bytes: Uint8Array,
): Promise<void> {
  const write = promisify((done: (error?: Error | null) => void) => {
    packing.entry({ ...header, mode: 0o644 }, Buffer.from(bytes), done);
  });
  await write();
}
