import { accessSync, constants, existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../../platform/problems.ts";
import { PROGRAM_FOLDERS } from "../program-path.ts";
import type { Need } from "./needs.ts";

/** Answers whether something is installed where programs run. */
export type IsInstalled = (need: Need) => boolean;

/** Folders of a machine that its programs see. */
const SEEN = /^\/(usr|bin|sbin|lib|lib32|lib64|libx32)\//;
const LIBRARY_FOLDERS = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"];
const LIBRARY_CACHE = "/etc/ld.so.cache";
/** Debian's packages for programs that are not named like them. */
const PACKAGES: Readonly<Record<string, string>> = {
  python3: "python3",
  python: "python-is-python3",
  node: "nodejs",
  php: "php-cli",
  lua: "lua5.4",
  java: "default-jre-headless",
  Rscript: "r-base-core",
  tclsh: "tcl",
  awk: "gawk",
};

/**
 * Looks for what a program needs on this machine. Skiff brings Node.
 * @param folders where programs are looked up
 */
export function isInstalledHere({ kind, name }: Need, folders: readonly string[] = PROGRAM_FOLDERS): boolean {
  if (kind === "library") return hasLibrary(name);
  if (kind === "file") return SEEN.test(name) && canRun(name);
  return name === "node" || folders.some((folder) => canRun(join(folder, name)));
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    // Links may lead to folders that programs do not see, such as /opt.
    return SEEN.test(realpathSync(path));
  } catch {
    // It is absent, or no program.
    return false;
  }
}

function hasLibrary(name: string): boolean {
  if (LIBRARY_FOLDERS.some((folder) => existsSync(join(folder, name)))) return true;
  return existsSync(LIBRARY_CACHE) && readFileSync(LIBRARY_CACHE).includes(`${name}\0`);
}

/** @throws Problem `runtime_missing` that says what to install */
export function requireInstalled(needs: readonly Need[], isInstalled: IsInstalled): void {
  const missing = needs.find((need) => !isInstalled(need));
  if (missing === undefined) return;
  const { kind, name, by } = missing;
  const what = kind === "library" ? `the library ${name}` : name;
  const where = kind === "program" ? `in ${PROGRAM_FOLDERS.join(", ")}` : "installed where programs run";
  const detail = `${by} needs ${what}, which is not ${where}: ${advice(missing)}`;
  throw new Problem("runtime_missing", detail);
}

function advice({ kind, name }: Need): string {
  if (kind === "library") return `install its package, or link the program statically.`;
  const program = name.slice(name.lastIndexOf("/") + 1);
  if (/^ld-musl/.test(program)) return "install musl (apt install musl), or link the program statically.";
  if (kind === "file" && !SEEN.test(name)) {
    return `programs see those below /usr, /bin, /sbin and /lib alone; name one of them, or look it up, as in #!/usr/bin/env ${program}.`;
  }
  const install = `install it (apt install ${PACKAGES[program] ?? program})`;
  if (kind === "program") return `${install}.`;
  return `${install}, or name another interpreter, such as #!/usr/bin/env ${program}.`;
}
