import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import { isObject, type JsonObject, objectAt, readJson, textsAt } from "../config/json-file.ts";
import { foldersUp, join, pathInside, quote } from "../paths.ts";
import { lockedVersions } from "./package-lock.ts";

/** A package.json as far as it matters to a running function. */
export interface PackageFile {
  readonly file: string;
  readonly folder: string;
  readonly manifest: JsonObject;
  /** Versions and tags of the registry, by name. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Dependencies whose files are in the source, with their folders. */
  readonly local: Readonly<Record<string, string>>;
  /** Patterns of the workspace's folders, relative to `folder`. */
  readonly workspaces: readonly string[];
}

export interface Known {
  /** Whether a package is in the posted node_modules, or a member of the workspace. */
  readonly has: (name: string) => boolean;
  /** Whether the sources mention a package. */
  readonly mentions: (name: string) => boolean;
}

/** What a dependency asks for if it is a version or tag of a registry. */
const REGISTRY = /^(npm:.*|jsr:.*|[^/:]*)$/;
const FOLDER = /^(?:file:|link:|portal:)?(\.{1,2}(?:\/.*)?|[^:]*\/[^:]*)$/;

/** Finds the package.json nearest to `folder`. */
export function findPackageFile(files: Files, folder: string): { file: string; folder: string } | undefined {
  return foldersUp(folder)
    .map((each) => ({ file: join(each, "package.json"), folder: each }))
    .find(({ file }) => files.has(file));
}

/** The patterns of `workspaces`, relative to the root. */
export function workspacesOf(files: Files, { file, folder }: { file: string; folder: string }): string[] {
  const manifest = readJson(files, file) ?? {};
  const { workspaces } = manifest;
  const patterns = isObject(workspaces)
    ? textsAt(workspaces, "packages", file)
    : textsAt(manifest, "workspaces", file);
  return patterns.map((pattern) => {
    const [, not = "", path = ""] = /^(!?)(.*)$/s.exec(pattern) ?? [];
    return not + pathInside(folder, path, `${file}: workspaces`);
  });
}

/**
 * Reads what a package.json depends on.
 * @throws Problem `invalid_source` for a dependency that is neither a version of a registry nor in the source
 */
export function readPackageFile(
  files: Files,
  found: { file: string; folder: string },
  known: Known,
): PackageFile {
  const { file, folder } = found;
  const manifest = readJson(files, file) ?? {};
  const dependencies: Record<string, string> = {};
  const local: Record<string, string> = {};
  const locked = lockedVersions(files, folder);
  for (const key of ["devDependencies", "optionalDependencies", "dependencies"]) {
    for (const [name, version] of Object.entries(objectAt(manifest, key, file))) {
      // Tools for developing take long to install, and optional packages may not exist: no module imports them.
      if (known.has(name) || (key !== "dependencies" && !known.mentions(name))) continue;
      const where = `${file}: ${key}: ${quote(name)}`;
      if (typeof version !== "string") throw new Problem("invalid_source", `${where} must be a text.`);
      if (REGISTRY.test(version) && !/^\.{1,2}$/.test(version)) dependencies[name] = locked(name, version);
      else local[name] = localFolder(files, folder, { version, where });
    }
  }
  return { file, folder, manifest, dependencies, local, workspaces: workspacesOf(files, found) };
}

function localFolder(
  files: Files,
  folder: string,
  { version, where }: { readonly version: string; readonly where: string },
): string {
  const named = /^(file|link|portal):|^\.{1,2}\//.test(version)
    ? FOLDER.exec(version.replace(/^(\w+:)(?![./])/, "$1./"))?.[1]
    : undefined;
  if (named !== undefined) {
    const path = pathInside(folder, named, where).replace(/\/$/, "");
    if (files.has(join(path, "package.json"))) return path;
    throw new Problem(
      "invalid_source",
      `${where} is ${quote(version)}, which must be a folder of the source with a package.json.`,
    );
  }
  throw new Problem(
    "invalid_source",
    `${where} is ${quote(version)}, which is not a version of a registry: use a published version, or add the package to node_modules.`,
  );
}
