import { readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Git } from "../program/git.ts";
import { type DropOptions, dropUnnamed } from "./drop-unnamed.ts";
import { CLOCK_MS, UNFINISHED } from "./files/durable-files.ts";
import type { MaintainOptions } from "./home.ts";
import { packsIn } from "./objects.ts";

const MOST_PACKS = 40;
/** Of one of 256 folders, among which git spreads objects evenly. */
const MOST_LOOSE = 8;
const SAMPLE = "17";
const STALE_MS = 24 * 3_600_000;
/** A push that has not ended. Git before 2.31 has another name for it. */
const QUARANTINE = /^(tmp_objdir-)?incoming-/;
/** Packs that are not complete, marks of those that were arriving, and reports of imports that failed. */
const OF_GIT = /^(tmp_|\.tmp-|pack-[0-9a-f]{40}\.keep$|fast_import_crash_)/;

/**
 * Packs the objects of a repository again if they are in many files, and removes what killed programs left. What no ref
 * and no version leads to is lost only in a repository that has more than half of `mostBytes`.
 */
export async function maintain(git: Git, path: string, options: DropOptions): Promise<void> {
  await removeLeftovers(path, options);
  if (options.mostBytes !== undefined && (await dropUnnamed(git, path, options))) return;
  if (!(await needsRepack(join(path, "objects")))) return;
  const args = ["repack", "--geometric=2", "-d", "-n", "-q", "--no-write-bitmap-index"];
  await git.run(args, { repository: path });
}

export interface Leftovers extends Pick<MaintainOptions, "liveSince"> {
  /** Whether no program uses the repository yet. */
  readonly isStart?: boolean;
}

/** Removes what killed programs left in a repository. */
export async function removeLeftovers(
  path: string,
  { liveSince, isStart = false }: Leftovers,
): Promise<void> {
  const objects = join(path, "objects");
  const stale = isStart ? Number.POSITIVE_INFINITY : Date.now() - STALE_MS;
  const ended = liveSince === undefined ? Number.POSITIVE_INFINITY : liveSince - CLOCK_MS;
  await removeOlder(objects, ended, (entry) => QUARANTINE.test(entry));
  for (const folder of [path, objects, join(objects, "pack")]) {
    await removeOlder(folder, stale, (entry) => OF_GIT.test(entry) || entry.endsWith(UNFINISHED));
  }
}

/** Returns the bytes of all pushes that are arriving, besides the one in the folder `except`. */
export async function quarantinedBytes(path: string, except = ""): Promise<number> {
  const objects = join(path, "objects");
  let bytes = 0;
  for (const quarantine of (await readdir(objects)).filter((entry) => QUARANTINE.test(entry))) {
    // Git names it by another path.
    if (quarantine === basename(except)) continue;
    const folder = join(objects, quarantine);
    for (const entry of await orNothing(readdir(folder, { recursive: true }))) {
      bytes += (await stat(join(folder, entry)).catch(gone))?.size ?? 0;
    }
  }
  return bytes;
}

async function needsRepack(objects: string): Promise<boolean> {
  if ((await packsIn(objects)).length > MOST_PACKS) return true;
  const entries = await readdir(objects);
  return entries.includes(SAMPLE) && (await readdir(join(objects, SAMPLE))).length > MOST_LOOSE;
}

async function removeOlder(
  folder: string,
  before: number,
  isLeftover: (entry: string) => boolean,
): Promise<void> {
  for (const entry of (await orNothing(readdir(folder))).filter(isLeftover)) {
    const path = join(folder, entry);
    const found = await stat(path).catch(gone);
    if (found !== undefined && found.mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}

/** Another program removes its files when it ends. */
function gone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

async function orNothing(entries: Promise<string[]>): Promise<string[]> {
  return (await entries.catch(gone)) ?? [];
}
