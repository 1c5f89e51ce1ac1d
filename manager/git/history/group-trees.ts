import type { Limits } from "../../../platform/limits.ts";
import type { Source, VersionRecord } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { defaultSettings, type Settings } from "../../../platform/settings/settings.ts";
import { ARCHIVES, MANIFESTS, mergeDeclared, SETTINGS_FILES } from "../../deploys/skiff-yaml.ts";
import type { TreeFiles } from "../tree/tree.ts";
import { kindAt, manifestAt } from "./read-file-at.ts";
import { editSettings } from "./settings-file.ts";
import { executablesIn } from "./version-files.ts";
import { sizeOf, type TreePlace, textOf, type VersionTree, type WriterMeans } from "./version-tree.ts";

export interface GroupTreeOptions {
  readonly repository: string;
  readonly record: VersionRecord;
  readonly place: TreePlace;
  readonly source: Source;
  /** The files of the source, unless another commit has them. */
  readonly files: TreeFiles;
  readonly image: string | undefined;
}

/** Returns the tree of a group in which one function has another version: its file or folder, and its entry. */
export async function groupTree(
  { repository, record, source, files, image, ...options }: GroupTreeOptions,
  { git, limits, signal }: WriterMeans,
): Promise<VersionTree> {
  const { name, settings } = record;
  const { tip, alike, state } = options.place;
  // An image has no place in the tree.
  const former = state.path;
  const kind =
    tip === null || former === ""
      ? undefined
      : await kindAt(git, { repository, commit: tip, path: former, signal });
  const isFile = former !== "." && kind === "file" && !ARCHIVES.includes(source.type);
  // What was a file becomes a folder, with the name by which an apply finds it.
  const isNew = former === "" || (kind === "file" && !isFile);
  const place = isNew ? name : former;
  const path = image === undefined ? place : "";
  const manifest =
    tip === null ? undefined : await manifestAt(git, { repository, commit: tip, signal }, MANIFESTS);
  const own = isFile || image !== undefined ? undefined : SETTINGS_FILES.find((each) => files.has(each));
  const changed = new Map<string, Uint8Array>();
  if (alike === undefined) {
    for (const [inner, bytes] of files) changed.set(placeOf(inner), bytes);
  }
  const executables = executablesIn(changed);
  if (manifest !== undefined) {
    const { file } = manifest;
    const text = Buffer.from(manifest.bytes).toString();
    const base = await baseOf(text, textOf(own === undefined ? undefined : files.get(own)), limits);
    const moved = path === former ? {} : { source: `${path}/` };
    const edited = await editSettings(text, { name, settings, base, limits, image, isGroup: true, ...moved });
    if (edited !== text || path === "." || path === "") changed.set(file, Buffer.from(edited ?? text));
  }
  // An image has only an entry in the manifest, no files.
  const replaced = [former, path].filter(Boolean);
  return {
    ...{ path, files: changed, executables, bytes: sizeOf(changed) },
    ...(path === "." ? {} : { replaces: replaced.length > 0 ? replaced : [manifest?.file ?? name] }),
    ...(alike === undefined ? {} : { treeOf: alike }),
  };

  function placeOf(inner: string): string {
    if (isFile) return path;
    return path === "." ? inner : `${path}/${inner}`;
  }
}

/** The settings that the defaults of a group and the file of a source lead to. */
async function baseOf(text: string, own: string | undefined, limits: Limits): Promise<Settings> {
  const { parse } = await import("yaml");
  let base = defaultSettings(limits);
  const group: unknown = parse(text);
  const declared = [isRecord(group) ? group.defaults : undefined, own === undefined ? undefined : parse(own)];
  for (const each of declared) {
    if (!isRecord(each)) continue;
    try {
      base = mergeDeclared(base, each, limits);
    } catch (error) {
      // An apply refuses it, and says why.
      if (!(error instanceof Problem) || error.code !== "invalid_setting") throw error;
    }
  }
  return base;
}
