import type { Limits } from "../../../platform/limits.ts";
import type { Source } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { defaultSettings, type Settings, type SettingsPatch } from "../../../platform/settings/settings.ts";
import type { Builder, ManifestFile, Unpacked } from "../../../runtimes/runtime.ts";
import { type Declared, OTHER_MEMBERS } from "../../deploys/skiff-yaml.ts";
import { packTar } from "../archive.ts";
import type { Contents } from "../unified-diff.ts";
import { checkContradictions, mergeDeclaredSettings, splitKept } from "./check-settings.ts";
import type { DeclaredFunction, Manifest } from "./declared.ts";
import { type FoundSource, findSource } from "./find-source.ts";
import { readManifest } from "./manifest.ts";
import { listSettings } from "./members.ts";
import { below, Mistakes } from "./mistakes.ts";

/** A function of a folder, checked. */
export interface FolderFunction {
  readonly name: string;
  /** Path of its source in the folder. */
  readonly path: string;
  readonly source: Source;
  /** The files of its source. */
  readonly files: Contents;
  /** What the `skiff.yaml` of its source declares. */
  readonly declared: Declared;
  /** The settings that its version starts from. */
  readonly base: Settings;
  /** Variables of `env` whose values stay. */
  readonly kept: readonly { readonly variable: string; readonly pointer: string }[];
  /** What its entry in the manifest declares. */
  readonly patch: SettingsPatch;
  readonly message?: string;
}

export interface Folder {
  readonly manifest: ManifestFile;
  readonly isOneFunction: boolean;
  readonly functions: readonly FolderFunction[];
  readonly warnings: readonly string[];
}

export interface FolderOptions {
  readonly builder: Builder;
  readonly limits: Limits;
  /** The name of a function that its manifest does not name. */
  readonly name?: string | undefined;
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
 * Reads the functions that a posted folder declares, and checks all that can be checked without building.
 * @throws Problem `invalid_declaration` with the place of every mistake; `invalid_source`, `source_too_large`,
 *   `no_capacity`; the reason of the signal
 */
export async function readFolder(posted: Source, options: FolderOptions): Promise<Folder> {
  const { builder, name, signal } = options;
  const unpacked = await builder.unpack(posted, signal);
  const { manifest, files } = unpacked;
  if (manifest === undefined) throw new Problem("invalid_declaration", NO_MANIFEST);
  const mistakes = new Mistakes();
  const reading: Reading = { ...options, manifest, mistakes };
  const declared = readManifest(manifest, mistakes, name);
  const found = declared.isOneFunction
    ? declared.functions.map((each) => ({ each, source: { path: ".", content: files } }))
    : declared.functions.flatMap((each) => {
        const source = findSource(files, each, reading);
        return source ? [{ each, source }] : [];
      });
  const { settings: base } = mergeDeclaredSettings(
    defaultSettings(options.limits),
    declared.defaults,
    reading,
  );
  const functions: FolderFunction[] = [];
  for (let at = 0; at < found.length; at += AT_ONCE) {
    const some = found.slice(at, at + AT_ONCE);
    functions.push(
      ...(await Promise.all(some.map((one) => readFunction(reading, { ...one, base, declared })))),
    );
  }
  mistakes.refuse();
  const { isOneFunction, warnings } = declared;
  return { manifest, isOneFunction, functions, warnings };
}

interface Found {
  readonly each: DeclaredFunction;
  readonly source: FoundSource;
  readonly base: Settings;
  readonly declared: Manifest;
}

async function readFunction(
  reading: Reading,
  { each, source: { path, content }, base, declared: { isOneFunction } }: Found,
): Promise<FolderFunction> {
  const { builder, limits, manifest, mistakes, signal } = reading;
  const bytes = content instanceof Uint8Array ? content : await packTar(content);
  const source = recognized(reading, each, bytes);
  const isArchive = source.type !== "text/typescript";
  const own: Unpacked = isArchive
    ? await builder.unpack(source, signal)
    : { files: new Map([["main.ts", bytes]]) };
  const declared = ownSettings(own.manifest);
  const place = { manifest, mistakes, limits };
  // The one function's manifest is the one of its source.
  const from =
    isOneFunction || own.manifest === undefined
      ? {}
      : { manifest: own.manifest, path: `${path}${own.manifest.file}` };
  const inSource = mergeDeclaredSettings(base, listSettings(declared, ""), { ...place, ...from });
  const { settings, kept } = splitKept(isOneFunction ? [] : each.settings);
  const { settings: merged, patch } = mergeDeclaredSettings(inSource.settings, settings, place);
  checkContradictions(merged, each.settings, { manifest, mistakes, pointer: each.pointer });
  return {
    ...{ name: each.name, path, source, files: own.files, declared, patch },
    ...{ base, kept },
    ...(each.message === undefined ? {} : { message: each.message }),
  };
}

/** Settings of a source's own `skiff.yaml`, as a build reads them. */
function ownSettings(manifest: ManifestFile | undefined): Declared {
  if (manifest === undefined || manifest.file === "functions.yaml") return {};
  return Object.fromEntries(Object.entries(manifest.value).filter(([key]) => !OTHER_MEMBERS.includes(key)));
}

/** Adds a mistake for a source that is too large or no text. */
function recognized(
  { builder, manifest, mistakes }: Reading,
  each: DeclaredFunction,
  bytes: Uint8Array,
): Source {
  try {
    return builder.recognize(bytes);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    mistakes.add(
      manifest,
      each.pointer || below("", "name"),
      `The source of "${each.name}": ${error.detail}`,
    );
    return { bytes: new Uint8Array(0), type: "text/typescript" };
  }
}
