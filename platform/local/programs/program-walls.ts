import { readdirSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programFilter } from "../../../process/sandbox/call-filter.ts";
import type { RuntimeFiles } from "../../../runtimes/runtime.ts";
import { filesInside, firstWall, type IsolationMode } from "../wall/isolation.ts";
import type { Profile, WallKind } from "../wall/profile.ts";
import { wideFiles } from "./wide-files.ts";

/** `unshare` would make a program of ours the first process, which has to reap all others. */
const WALLS: readonly WallKind[] = ["bwrap", "bwrap-plain"];

/** What holds programs here. */
export interface ProgramIsolation {
  /** Absent with `refusal`, and with `isOpen`. */
  readonly wall?: Profile;
  /** Programs run with all rights of Skiff's user. */
  readonly isOpen?: true;
  /** Why no program can run; a sentence with the remedy. */
  readonly refusal?: string;
  /** For people. */
  readonly description: string;
}

export interface ProgramWallsOptions {
  readonly mode: IsolationMode;
  /** Walls that Skiff may use at all. */
  readonly walls?: readonly WallKind[] | undefined;
  readonly runtime: RuntimeFiles;
  readonly dataFolder: string;
  /** Runs a program in the real profile. @throws Error if that does not work */
  readonly attempt: (profile: Profile) => Promise<void>;
}

/** Finds the sandbox for programs. */
export async function programIsolation(options: ProgramWallsOptions): Promise<ProgramIsolation> {
  const { mode, runtime, attempt, dataFolder, walls = WALLS } = options;
  if (mode === "none") {
    const description =
      "NO SANDBOX, as SKIFF_ISOLATION=none asks for: every program can read, change and send whatever the user of Skiff can";
    return { isOpen: true, description };
  }
  if (mode === "permissions") {
    return refused(
      "SKIFF_ISOLATION=permissions allows no sandbox, and Deno's permissions do not hold programs",
    );
  }
  const inside = async (kind: WallKind, tools: Profile["tools"]) => {
    const { files, system } = await filesInside(kind, tools, runtime);
    const more = wideFiles({ ...machineFiles(), needed: files, secret: [realpathSync(dataFolder)] });
    const wide = { ...more.wide, filter: writeFilter(dataFolder) };
    return { ...more, wide, system: [...new Set([...system, ...more.system])] };
  };
  const tried = WALLS.filter((kind) => walls.includes(kind));
  const { wall, why } = await firstWall({ walls: tried, runtime, inside, attempt });
  if (wall === undefined) return refused(why || "no wall that can hold programs may be used");
  const who = wall.isRoot ? "a user of its own" : "no rights";
  return {
    wall,
    description: `kernel namespaces (bubblewrap): each instance has its own processes, network and scratch folder, read-only system folders and ${who}${wall.wide?.filter ? ", and may make no namespace" : ""}`,
  };
}

function refused(why: string): ProgramIsolation {
  const remedy =
    "Install bubblewrap (apt install bubblewrap) and allow it to make namespaces (docs/isolation.md), or set SKIFF_ISOLATION=none to run programs with all rights of Skiff.";
  return { refusal: `${why}. ${remedy}`, description: `none, so that programs are refused (${why})` };
}

/** Returns the path of the filter; undefined if there is none for this processor. */
function writeFilter(dataFolder: string): string | undefined {
  const filter = programFilter(process.arch);
  if (filter === undefined) return undefined;
  const path = join(dataFolder, "programs.bpf");
  writeFileSync(path, filter, { mode: 0o600 });
  return path;
}

function machineFiles() {
  const top = readdirSync("/", { withFileTypes: true }).map((entry) => {
    const path = `/${entry.name}`;
    return [path, entry.isSymbolicLink() ? readlinkSync(path) : undefined] as const;
  });
  return { top: new Map(top), etc: readdirSync("/etc") };
}
