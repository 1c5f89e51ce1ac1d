import type { Files } from "../../archive.ts";
import type { Imports } from "../config/import-map.ts";
import { isObject, type JsonObject, readJson } from "../config/json-file.ts";
import type { Sources } from "../sources.ts";
import { resolveExport } from "./package-exports.ts";

/** A package whose files are in the source. */
export interface ArchivePackage {
  readonly name: string;
  readonly folder: string;
  readonly manifest: JsonObject;
}

const MANIFEST = /^node_modules\/((?:@[^/]+\/)?[^/@][^/]*)\/package\.json$/;

/** The packages at the top of the posted node_modules, by name. */
export function archivePackages(files: Files): Map<string, ArchivePackage> {
  const packages = new Map<string, ArchivePackage>();
  for (const path of files.keys()) {
    const name = MANIFEST.exec(path)?.[1];
    if (name === undefined) continue;
    packages.set(name, { name, folder: `node_modules/${name}`, manifest: readJson(files, path) ?? {} });
  }
  return packages;
}

/**
 * Maps what the sources import from packages of the archive to their files. `deno install` asks the registry for each bare
 * name that no map has, also if node_modules has it.
 */
export function packageImports(
  files: Files,
  packages: Iterable<ArchivePackage>,
  mentioned: Pick<Sources, "mentionsOf">,
): Imports {
  const entries: [string, string][] = [];
  for (const each of packages) {
    for (const specifier of mentioned.mentionsOf(each.name)) {
      const path = resolveExport(files, each, `.${specifier.slice(each.name.length)}`);
      if (path !== undefined) entries.push([specifier, `./${path}`]);
    }
  }
  return Object.fromEntries(entries);
}

/** Returns the dependencies of posted packages that the archive lacks, with their versions. */
export function missingDependencies(
  files: Files,
  packages: ReadonlyMap<string, ArchivePackage>,
): Readonly<Record<string, string>> {
  const missing: Record<string, string> = {};
  for (const { folder, manifest } of packages.values()) {
    const { dependencies } = manifest;
    if (!isObject(dependencies)) continue;
    for (const [name, version] of Object.entries(dependencies)) {
      const isThere = packages.has(name) || files.has(`${folder}/node_modules/${name}/package.json`);
      if (!isThere && typeof version === "string") missing[name] ??= version;
    }
  }
  return missing;
}
