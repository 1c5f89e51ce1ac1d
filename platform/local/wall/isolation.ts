import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { canAccess, findTools, type Tools, toolPath } from "../../../process/sandbox/tools.ts";
import type { RuntimeFiles } from "../../../runtimes/runtime.ts";
import { type Profile, WALL_KINDS, type WallKind } from "./profile.ts";

/**
 * Values of `SKIFF_ISOLATION`. `auto`: use the kernel's wall if it works here, else give functions no folder to write to,
 * and refuse programs. `wall`: do not start without it. `permissions`: use Deno's permission flags alone, and refuse
 * programs, which know none. `none`: the same, but run programs with all rights of Skiff's user.
 */
export type IsolationMode = "auto" | "wall" | "permissions" | "none";
const MODES: readonly IsolationMode[] = ["auto", "wall", "permissions", "none"];

export interface Isolation {
  /** Absent: Deno's permission flags alone isolate functions. */
  readonly wall?: Profile;
  /** True: functions get a folder to write to. Without a wall a link in it could lead anywhere. */
  readonly hasScratch: boolean;
  /** Describes the isolation, and why stronger walls do not work, for people. */
  readonly description: string;
}

export interface IsolationOptions {
  readonly mode: IsolationMode;
  /** Walls to try, in order; all of WALL_KINDS by default. */
  readonly walls?: readonly WallKind[] | undefined;
  /** Programs of the system; the installed ones by default. */
  readonly tools?: Tools | undefined;
  readonly runtime: RuntimeFiles;
  /** Makes a sandbox with the real profile and removes it. @throws Error if that does not work */
  readonly attempt: (profile: Profile) => Promise<void>;
}

/** Libraries that glibc loads to resolve names; part of glibc itself since 2.34. */
const LOADED_LATER = ["libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2"];
/** Optional files of the system. */
const SYSTEM_FILES = [
  ...["/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/localtime"],
  "/etc/ld.so.cache",
];
const LDD_MS = 10_000;

/** Parses `SKIFF_ISOLATION`. @throws Error with advice for the operator if the value is not valid */
export function isolationMode(text: string | undefined): IsolationMode {
  const mode = text || "auto";
  if (MODES.includes(mode as IsolationMode)) return mode as IsolationMode;
  throw new Error(`SKIFF_ISOLATION=${text} is not a valid isolation mode: use ${MODES.join(", ")}.`);
}

/**
 * Parses `SKIFF_NETWORK`. Returns true for `auto`: the kernel limits the connections of functions where that works.
 * @throws Error with advice for the operator if the value is not valid
 */
export function hasWalledNetwork(text: string | undefined): boolean {
  if (text === undefined || text === "" || text === "auto") return true;
  if (text === "machine") return false;
  throw new Error(`SKIFF_NETWORK=${text} is not a valid network for functions: use auto or machine.`);
}

/** Tries the walls in order. @throws Error with advice for the operator if the mode is `wall` and none works */
export async function chooseIsolation(options: IsolationOptions): Promise<Isolation> {
  const { mode, walls = WALL_KINDS } = options;
  if (mode === "permissions" || mode === "none") {
    const description = `Deno's permission flags alone, as SKIFF_ISOLATION=${mode} asks for`;
    return { hasScratch: true, description };
  }
  const { runtime, tools, attempt } = options;
  const inside = (kind: WallKind, found: Tools) => filesInside(kind, found, runtime);
  const { wall, why } = await firstWall({ walls, tools, attempt, runtime, inside });
  if (wall) return { wall, hasScratch: true, description: describeWall(wall) };
  if (mode === "wall") throw new Error(`SKIFF_ISOLATION=wall, but no wall works here: ${why}.`);
  const description = `no kernel wall (${why}): functions get no folder to write to, and Deno's permission flags alone isolate them (docs/isolation.md); SKIFF_ISOLATION=permissions accepts that and gives them one`;
  return { hasScratch: false, description };
}

export interface WallsOptions extends Pick<IsolationOptions, "tools" | "runtime" | "attempt"> {
  readonly walls: readonly WallKind[];
  /** What exists inside, besides the runtime. */
  readonly inside: (kind: WallKind, tools: Tools) => Promise<Pick<Profile, "files" | "system" | "wide">>;
}

/** Returns the first wall that works here, or why none does. */
export async function firstWall(
  options: WallsOptions,
): Promise<{ wall: Profile; why?: never } | { wall?: never; why: string }> {
  const { platform } = process;
  if (platform !== "linux") return { why: `the system is ${platform}, namespaces exist on Linux only` };
  const { tools = findTools() } = options;
  const reasons: string[] = [];
  for (const kind of options.walls) {
    const wall = await tryWall(kind, tools, options);
    if (typeof wall !== "string") return { wall };
    reasons.push(`${kind}: ${wall}`);
  }
  return { why: reasons.join("; ") };
}

async function tryWall(kind: WallKind, tools: Tools, options: WallsOptions): Promise<Profile | string> {
  const { runtime, attempt, inside } = options;
  if (kind !== "unshare" && tools.bwrap === undefined) return "bubblewrap is not installed";
  try {
    const isRoot = process.getuid?.() === 0;
    const profile: Profile = { kind, tools, isRoot, ...(await inside(kind, tools)), runtime };
    await attempt(profile);
    return profile;
  } catch (error) {
    return (error as Error).message.replaceAll("\n", " ");
  }
}

function describeWall({ kind, isRoot }: Profile): string {
  const made = kind === "unshare" ? "unshare" : "bubblewrap";
  const who = isRoot ? "a user of its own" : "no rights";
  return `kernel namespaces (${made}): each instance has its own files, processes and ${who}`;
}

/** Lists what must exist inside: programs and the libraries that they load. */
export async function filesInside(kind: WallKind, tools: Tools, { binary }: RuntimeFiles) {
  const mounting: (keyof Tools)[] = kind === "unshare" ? ["mount", "umount"] : [];
  const names: (keyof Tools)[] = ["sh", "setpriv", ...mounting];
  const programs = names.flatMap((name) => tools[name] ?? []);
  const libraries = await librariesOf([...programs, binary], tools);
  const folders = [...new Set(libraries.map((path) => path.slice(0, path.lastIndexOf("/"))))];
  const later = folders.flatMap((folder) => LOADED_LATER.map((name) => join(folder, name)));
  const files = [...new Set([...programs, ...libraries, ...later.filter(isReadable)])];
  return { files, system: SYSTEM_FILES.filter(isReadable) };
}

/** Lists the libraries of programs, at the paths that they are loaded from. */
async function librariesOf(programs: readonly string[], tools: Tools): Promise<string[]> {
  const ldd = toolPath(tools, "ldd");
  const { stdout } = await promisify(execFile)(ldd, programs, { timeout: LDD_MS });
  return [...new Set(Array.from(stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm), (match) => match[1]!))];
}

function isReadable(path: string): boolean {
  return canAccess(path, constants.R_OK);
}
