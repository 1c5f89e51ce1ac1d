import { spawnSync } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { join } from "node:path";
import { TOOL_NAMES, type ToolName, type Tools, type WallKind } from "./profile.ts";

/** Where systems keep these programs, whatever PATH of Skiff is. */
const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];
/** What glibc loads when names are resolved, beside itself; part of it since 2.34. */
const LOADED_LATER = ["libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2"];
/** What programs look for, where there is any. */
const SYSTEM_FILES = [
  ...["/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/localtime"],
  "/etc/ld.so.cache",
];
const LDD_MS = 10_000;

export function findTools(): Tools {
  const found: Partial<Record<ToolName, string>> = {};
  for (const name of TOOL_NAMES) {
    const path = FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
    if (path !== undefined) found[name] = realpathSync(path);
  }
  return found;
}

/** What must exist inside for a wall of this kind: programs and the libraries that they load. */
export function filesInside(
  kind: WallKind,
  tools: Tools,
  deno: string,
): { files: string[]; system: string[] } {
  const names: ToolName[] = kind === "unshare" ? ["sh", "setpriv", "mount", "umount"] : ["sh", "setpriv"];
  const programs = names.flatMap((name) => tools[name] ?? []);
  const libraries = librariesOf([...programs, deno], tools);
  const folders = [...new Set(libraries.map((path) => path.slice(0, path.lastIndexOf("/"))))];
  const later = folders
    .flatMap((folder) => LOADED_LATER.map((name) => join(folder, name)))
    .filter(isReadable);
  return {
    files: [...new Set([...programs, ...libraries, ...later])],
    system: SYSTEM_FILES.filter(isReadable),
  };
}

/** Paths as the programs ask for them: the loader's is part of every program. */
function librariesOf(programs: readonly string[], tools: Tools): string[] {
  if (tools.ldd === undefined) throw new Error("ldd is not installed");
  const { stdout, status, error } = spawnSync(tools.ldd, programs, { encoding: "utf8", timeout: LDD_MS });
  if (error) throw error;
  if (status !== 0) throw new Error(`ldd ${programs.join(" ")} ended with ${status}`);
  return [...new Set(Array.from(stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm), (match) => match[1]!))];
}

function isExecutable(path: string): boolean {
  return mayAccess(path, constants.X_OK);
}

function isReadable(path: string): boolean {
  return mayAccess(path, constants.R_OK);
}

function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
