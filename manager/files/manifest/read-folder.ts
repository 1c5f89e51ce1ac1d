import type { Limits } from "../../../platform/limits.ts";
import type { Source } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { RUNTIMES, type Runtime } from "../../../platform/settings/runtime.ts";
import { defaultSettings, type Settings, type SettingsPatch } from "../../../platform/settings/settings.ts";
import { Semaphore } from "../../../process/semaphore.ts";
import { imageSource } from "../../../runtimes/image/image-artifact.ts";
import type { Builder, ManifestFile, Unpacked } from "../../../runtimes/runtime.ts";
import { type Declared, OTHER_MEMBERS } from "../../deploys/skiff-yaml.ts";
import { packTar } from "../archive.ts";
import type { ObjectKind } from "../object-kind.ts";
import type { Contents } from "../unified-diff.ts";
import { checkObjects, type FolderObject } from "./check-objects.ts";
import { checkContradictions, mergeDeclaredSettings, splitKept } from "./check-settings.ts";
import type { DeclaredFunction, DeclaredSetting, DeclaredVersion } from "./declared.ts";
import { type FoundSource, findSource } from "./find-source.ts";
import { isSingle, readManifest } from "./manifest.ts";
import { listSettings } from "./members.ts";
import { below, Mistakes } from "./mistakes.ts";

/** A function of a folder, checked. */
export interface FolderFunction extends Omit<DeclaredFunction, "versions"> {
  /** One, which takes all calls, unless the function `isSplit`. */
  readonly versions: readonly FolderVersion[];
}

export interface FolderVersion extends Pick<DeclaredVersion, "pointer" | "weight" | "message" | "image"> {
  /** That of an image has no digest before its name is looked up. */
  readonly source: Source;
  /** Its source in the folder: a file or folder, `.` for all of it, empty for an image among several functions. */
  readonly path: string;
  /** The files of its source. */
  readonly files: Contents;
  /** What the `skiff.yaml` of its source declares. */
  readonly declared: Declared;
  /** The settings that it starts from. */
  readonly base: Settings;
  /** What its entry in the manifest declares. */
  readonly patch: SettingsPatch;
  /** The settings that result, without the values of `kept` and without versions of secrets. */
  readonly settings: Settings;
  /** Variables of `env` whose values stay. */
  readonly kept: readonly { readonly variable: string; readonly pointer: string }[];
}

export interface Folder {
  readonly manifest: ManifestFile;
  readonly isOneFunction: boolean;
  readonly hasFunctions: boolean;
  readonly functions: readonly FolderFunction[];
  readonly objects: readonly FolderObject[];
  readonly warnings: readonly string[];
}

export interface FolderOptions {
  readonly builder: Builder;
  readonly limits: Limits;
  readonly kinds: readonly ObjectKind[];
  /** The name of a function that its manifest does not name. */
  readonly name?: string | undefined;
  /** Whether the manifest may name its functions instead. */
  readonly isNameOptional?: boolean;
  readonly signal: AbortSignal;
}

interface Reading extends FolderOptions {
  readonly manifest: ManifestFile;
  readonly mistakes: Mistakes;
}

const NO_MANIFEST =
  'The folder has no skiff.yaml: add one with "functions:" and the name of each function, or pack the folder that has it.';
/** Archives that are packed and read at a time. */
const AT_ONCE = 8;

/**
 * Reads what a posted folder declares, and checks all that can be checked without building.
 * @throws Problem `invalid_declaration` with the place of every mistake; `invalid_source`, `source_too_large`,
 *   `no_capacity`; the reason of the signal
 */
export async function readFolder(posted: Source, options: FolderOptions): Promise<Folder> {
  const { builder, signal } = options;
  const unpacked = await builder.unpack(posted, signal);
  const { manifest, files } = unpacked;
  if (manifest === undefined) throw new Problem("invalid_declaration", NO_MANIFEST);
  const name = options.isNameOptional && !isSingle(manifest) ? undefined : options.name;
  const mistakes = new Mistakes();
  const reading: Reading = { ...options, manifest, mistakes };
  const declared = readManifest(manifest, mistakes, name);
  const { settings: base } = mergeDeclaredSettings(
    defaultSettings(options.limits),
    declared.defaults,
    reading,
  );
  const found: Found[] = declared.functions.flatMap(({ name, versions }) =>
    versions.flatMap((version) => {
      const whole = { path: ".", content: files };
      const isPosted = declared.isOneFunction || version.image !== undefined;
      const source = isPosted ? whole : findSource(files, { name, version }, reading);
      return source ? [{ version, source, name, base, isOneFunction: declared.isOneFunction }] : [];
    }),
  );
  const read = new Map<DeclaredVersion, FolderVersion>();
  const places = new Semaphore({ places: AT_ONCE });
  const readOne = async (one: Found) => void read.set(one.version, await readVersion(reading, one));
  await Promise.all(found.map((one) => places.run(() => readOne(one), signal)));
  const objects = await checkObjects(declared.objects, options.kinds, { ...reading, files });
  mistakes.refuse();
  const { isOneFunction, hasFunctions, warnings } = declared;
  const functions = declared.functions.map((each) => ({
    ...each,
    versions: each.versions.map((version) => read.get(version)!),
  }));
  return { manifest, isOneFunction, hasFunctions, functions, objects, warnings };
}

interface Found {
  readonly name: string;
  readonly version: DeclaredVersion;
  readonly source: FoundSource;
  readonly base: Settings;
  readonly isOneFunction: boolean;
}

async function readVersion(reading: Reading, found: Found): Promise<FolderVersion> {
  const { builder, limits, manifest, mistakes, signal } = reading;
  const { version, base, isOneFunction } = found;
  const { path } = found.source;
  const source = await sourceOf(reading, found);
  const isText = source.type === "text/typescript";
  const own: Unpacked = isText
    ? { files: new Map([["main.ts", source.bytes]]) }
    : await builder.unpack(source, signal);
  const declared = ownSettings(own.manifest);
  const place = { manifest, mistakes, limits };
  // The one function's manifest is the one of its source.
  const from =
    isOneFunction || own.manifest === undefined
      ? {}
      : { manifest: own.manifest, path: `${path}${own.manifest.file}` };
  const inSource = mergeDeclaredSettings(base, listSettings(declared, ""), { ...place, ...from });
  for (const { variable, pointer } of splitKept(listSettings(declared, "")).kept) {
    const detail = `The file of a source keeps no value: write that of ${variable}, or "***" under "functions:".`;
    mistakes.add(from.manifest ?? manifest, pointer, detail, from.path);
  }
  const asked = isOneFunction && version.image === undefined ? [] : version.settings;
  const { settings: listed, kept } = splitKept(withRuntime(asked, version));
  const { settings, patch } = mergeDeclaredSettings(inSource.settings, listed, place);
  const { pointer, weight, message, image } = version;
  checkContradictions(settings, version.settings, { manifest, mistakes, pointer });
  if (image !== undefined && settings.runtime !== "image") {
    const detail = `runtime ${settings.runtime} does not run images: leave it out, or name a source instead of the image.`;
    mistakes.add(manifest, below(pointer, "runtime"), detail);
  }
  const made = { pointer, weight, message, ...(image === undefined ? {} : { image }) };
  const isImageOfMany = image !== undefined && !isOneFunction;
  return {
    ...made,
    source,
    path: isImageOfMany ? "" : path.replace(/\/$/, ""),
    files: own.files,
    declared,
    base,
    patch,
    settings,
    kept,
  };
}

async function sourceOf(reading: Reading, found: Found): Promise<Source> {
  const { image } = found.version;
  if (image !== undefined) return imageSource({ image, digest: "" });
  const { content } = found.source;
  return recognized(reading, found, content instanceof Uint8Array ? content : await packTar(content));
}

/** An image is run by the runtime of images. */
function withRuntime(
  settings: readonly DeclaredSetting[],
  { image, pointer }: DeclaredVersion,
): readonly DeclaredSetting[] {
  if (image === undefined || settings.some(({ key }) => key === "runtime")) return settings;
  return [{ key: "runtime", value: "image", pointer: below(pointer, "image") }, ...settings];
}

/** Settings of a source's own `skiff.yaml`, as a build reads them. */
function ownSettings(manifest: ManifestFile | undefined): Declared {
  if (manifest === undefined || manifest.file === "functions.yaml") return {};
  return Object.fromEntries(Object.entries(manifest.value).filter(([key]) => !OTHER_MEMBERS.includes(key)));
}

/** The runtime that the manifest names; undefined if it names none. */
function runtimeOf({ settings }: DeclaredVersion): Runtime | undefined {
  const named = settings.find(({ key }) => key === "runtime")?.value;
  return RUNTIMES.find((each) => each === named);
}

/** Adds a mistake for a source that is too large or no text. */
function recognized(
  { builder, manifest, mistakes }: Reading,
  { name, version }: Found,
  bytes: Uint8Array,
): Source {
  try {
    return builder.recognize(bytes, { runtime: runtimeOf(version) });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    mistakes.add(manifest, version.pointer || "/name", `The source of "${name}": ${error.detail}`);
    return { bytes: new Uint8Array(0), type: "text/typescript" };
  }
}
