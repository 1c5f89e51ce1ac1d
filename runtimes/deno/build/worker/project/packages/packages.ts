import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import type { DenoConfig } from "../config/deno-config.ts";
import { type ImportMap, mergeImportMaps } from "../config/import-map.ts";
import { encodeJson, type JsonObject } from "../config/json-file.ts";
import { foldersUp, join } from "../paths.ts";
import type { Sources } from "../sources.ts";
import {
  type ArchivePackage,
  archivePackages,
  missingDependencies,
  packageImports,
} from "./archive-packages.ts";
import { expandFolders, isTypeScript, localPackage, memberMap, placePackage } from "./local-packages.ts";
import { findPackageFile, type PackageFile, readPackageFile, workspacesOf } from "./package-file.ts";

/** The packages that a project depends on, beside those that its sources import with `npm:` and `jsr:`. */
export interface Packages {
  /** Entries for packages whose files are in the source. */
  readonly map: ImportMap;
  /** Whether a bare name has a package. */
  readonly has: (name: string) => boolean;
  /** Path of a module that imports all dependencies, for the installation; undefined if there are none. */
  readonly installRoot: string | undefined;
}

/**
 * Deno installs the dependencies of package.json if a source imports one of them. Plugins that are found by name at run
 * time, and what packages of the archive depend on, need one that does. (Without entry points it would install all, but
 * remove the posted packages.)
 */
const INSTALL_ROOT = ".skiff/dependencies.mjs";

export interface PackagesOptions {
  /** Folder of the main module. */
  readonly folder: string;
  readonly sources: Sources;
  readonly deno: DenoConfig;
  /** The package that JSX is compiled for. Its name may stand in no source. */
  readonly jsxSource: unknown;
}

/** Keys of package.json that have a meaning for tools, or another one in the generated file. */
const DROPPED = ["scripts", "workspaces", "dependencies", "devDependencies", "optionalDependencies"];

/**
 * Reads package.json, the posted node_modules and the members of workspaces. Writes a package.json that names what
 * `deno install` gets from the registry, and nothing else.
 * @throws Problem `invalid_source`
 */
export function readPackages(files: Map<string, Uint8Array>, options: PackagesOptions): Packages {
  const { folder, sources, deno } = options;
  const mentionsOf = (name: string) =>
    withRuntime(sources.mentionsOf(name), { name, source: options.jsxSource });
  const mentions = (name: string) => mentionsOf(name).length > 0;
  const inArchive = archivePackages(files);
  const found = findPackageFile(files, folder);
  const root = found && workspaceOf(files, found.folder);
  const patterns = [
    ...deno.members,
    ...[found, root].flatMap((each) => (each ? workspacesOf(files, each) : [])),
  ];
  const folders = expandFolders(files, patterns);
  const members = folders.flatMap((each) => localPackage(files, each) ?? []);
  const isMember = (name: string) => members.some((each) => each.name === name);
  // A member that the registry has as well is never taken from there.
  const known = { has: (name: string) => inArchive.has(name) || isMember(name), mentions };
  const file = found && readPackageFile(files, found, known);
  const shared = root && readPackageFile(files, root, known);
  const local = [...members, ...linked(files, shared), ...linked(files, file)];
  const inPlace = local.filter((each) => isTypeScript(files, each));
  for (const each of local) {
    if (inPlace.includes(each)) continue;
    placePackage(files, each);
    inArchive.set(each.name, { ...each, folder: `node_modules/${each.name}` });
  }
  // TypeScript below node_modules does not run, so a copy of the package there does not count.
  for (const each of inPlace) inArchive.set(each.name, each);
  const missing = missingDependencies(files, inArchive);
  const dependencies = { ...missing, ...shared?.dependencies, ...file?.dependencies };
  if (file || Object.keys(missing).length > 0)
    files.set("package.json", generated(file, files.has("package.json"), dependencies));
  const imports = packageImports(files, inArchive.values(), { mentionsOf });
  return {
    map: mergeImportMaps({ imports, scopes: {} }, memberMap(files, folders)),
    has: (name) => inArchive.has(name) || Object.hasOwn(dependencies, name),
    installRoot: addInstallRoot(files, Object.keys(dependencies)),
  };
}

/** The package.json of the workspace that has this folder as a member. */
function workspaceOf(files: Files, member: string): { file: string; folder: string } | undefined {
  return foldersUp(member)
    .map((folder) => ({ file: join(folder, "package.json"), folder }))
    .find(
      (each) =>
        each.folder !== member &&
        files.has(each.file) &&
        expandFolders(files, workspacesOf(files, each)).includes(member),
    );
}

function addInstallRoot(files: Map<string, Uint8Array>, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const lines = names.map((name) => `import ${JSON.stringify(name)};\n`);
  files.set(INSTALL_ROOT, new TextEncoder().encode(lines.join("")));
  return INSTALL_ROOT;
}

function linked(files: ReadonlyMap<string, Uint8Array>, file: PackageFile | undefined): ArchivePackage[] {
  return Object.entries(file?.local ?? {}).map(([name, folder]) => {
    const found = localPackage(files, folder);
    if (found) return { ...found, name };
    throw new Problem(
      "invalid_source",
      `${join(folder, "package.json")} has no name, so ${name} cannot depend on it.`,
    );
  });
}

/** The file at the root; one of another folder gives it its dependencies alone. */
function generated(file: PackageFile | undefined, isAtRoot: boolean, dependencies: JsonObject): Uint8Array {
  const manifest = isAtRoot && file?.folder === "" ? file.manifest : {};
  const kept = Object.entries(manifest).filter(([key]) => !DROPPED.includes(key));
  return encodeJson({ ...Object.fromEntries(kept), dependencies });
}

/** JSX imports the runtime of its library without naming it. */
function withRuntime(
  specifiers: readonly string[],
  { name, source }: { readonly name: string; readonly source: unknown },
): string[] {
  if (typeof source !== "string" || (source !== name && !source.startsWith(`${name}/`)))
    return [...specifiers];
  return [...specifiers, `${source}/jsx-runtime`, `${source}/jsx-dev-runtime`];
}
