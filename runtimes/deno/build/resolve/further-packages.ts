import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { runDeno } from "./deno-command.ts";

export interface FurtherOptions {
  /** Path of the Deno binary. */
  readonly deno: string;
  /** Folder of the project, with its lock and its `node_modules`. */
  readonly root: string;
}

/** A package that the project imports and the layout of Deno lacks. */
interface Further {
  readonly name: string;
  readonly version: string;
  /** Its folder below `node_modules`, where Deno looks for it. */
  readonly place: string;
}

/** Each needs an installation of its own. */
const MOST_FURTHER = 20;
const PACKAGES = "node_modules";
const NAME = /^(@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*$/i;
const VERSION = /^\d[\w.+-]*$/;

/**
 * Adds the packages that Deno leaves out when it installs without links: further versions of a package that the project
 * imports in several, and packages that a package.json names by an alias.
 */
export async function addFurtherPackages(options: FurtherOptions): Promise<void> {
  const { root } = options;
  const wanted = [...furtherVersions(root), ...aliases(root)];
  const missing = wanted.filter(({ place }) => !existsSync(join(root, PACKAGES, place)));
  for (const each of missing.slice(0, MOST_FURTHER)) await add(each, options);
}

function furtherVersions(root: string): Further[] {
  const { specifiers = {} } = readJson(join(root, "deno.lock")) as { specifiers?: Record<string, string> };
  const found = new Map<string, Further>();
  for (const [specifier, locked] of Object.entries(specifiers)) {
    const [, name = ""] = /^npm:(@?[^@]+)@/.exec(specifier) ?? [];
    // The versions of peers follow the underscore.
    const version = String(locked).split("_")[0]!;
    if (!NAME.test(name) || !VERSION.test(version) || versionAt(root, name) === version) continue;
    const folder = `${name.replace("/", "+")}@${version}`;
    found.set(folder, { name, version, place: `.deno/${folder}/${PACKAGES}/${name}` });
  }
  return [...found.values()];
}

function aliases(root: string): Further[] {
  const { dependencies = {} } = readJson(join(root, "package.json")) as {
    dependencies?: Record<string, string>;
  };
  return Object.entries(dependencies).flatMap(([alias, value]) => {
    const [, name = "", version = "*"] = /^npm:(@?[^@]+)(?:@(.+))?$/.exec(String(value)) ?? [];
    if (!NAME.test(name) || !NAME.test(alias) || name === alias) return [];
    return [{ name, version, place: alias }];
  });
}

/** Installs a package in a folder of its own, then moves it and its dependencies into place. */
async function add({ name, version, place }: Further, { deno, root }: FurtherOptions): Promise<void> {
  const folder = mkdtempSync(join(dirname(root), "further-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { [name]: version } }));
  writeFileSync(join(folder, "deno.json"), "{}");
  const args = ["install", "--quiet", "--node-modules-dir=manual", "--node-modules-linker=hoisted"];
  // What cannot be installed fails when it is imported.
  if ((await runDeno({ deno, folder }, args)).code !== 0) return;
  const target = join(root, PACKAGES, place);
  for (const each of packagesIn(join(folder, PACKAGES))) {
    if (each !== name && versionAt(root, each) === versionAt(folder, each)) continue;
    const to = each === name ? target : join(target, PACKAGES, each);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(folder, PACKAGES, each), to, { recursive: true });
  }
}

function packagesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  return names.flatMap((name) =>
    name.startsWith("@") ? readdirSync(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

function versionAt(root: string, name: string): unknown {
  return (readJson(join(root, PACKAGES, name, "package.json")) as { version?: unknown }).version;
}

/** An empty object if there is no such file. */
function readJson(path: string): object {
  if (!existsSync(path)) return {};
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  return typeof value === "object" && value !== null ? value : {};
}
