import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "../program/git.ts";
import { UNFINISHED } from "./durable-files.ts";
import { packsIn } from "./objects.ts";

const MOST_PACKS = 40;
/** Of one of 256 folders, among which git spreads objects evenly. */
const MOST_LOOSE = 8;
const SAMPLE = "17";
const STALE_MS = 24 * 3_600_000;
/** What a git that was killed leaves: quarantines, packs that are not complete, and marks of those that were arriving. */
const OF_GIT = /^(incoming-|tmp_|\.tmp-|pack-[0-9a-f]{40}\.keep$)/;

/**
 * Packs the objects of a repository again if they are in many files, and removes what killed programs left. Nothing is
 * lost that no ref leads to: versions without calls have such commits.
 */
export async function maintain(git: Git, path: string): Promise<void> {
  const objects = join(path, "objects");
  for (const folder of [path, objects, join(objects, "pack")]) await removeStale(folder);
  if (!(await needsRepack(objects))) return;
  const args = ["repack", "--geometric=2", "-d", "-n", "-q", "--no-write-bitmap-index"];
  await git.run(args, { repository: path });
}

async function needsRepack(objects: string): Promise<boolean> {
  if ((await packsIn(objects)).length > MOST_PACKS) return true;
  const entries = await readdir(objects);
  return entries.includes(SAMPLE) && (await readdir(join(objects, SAMPLE))).length > MOST_LOOSE;
}

async function removeStale(folder: string): Promise<void> {
  const before = Date.now() - STALE_MS;
  for (const entry of await readdir(folder)) {
    if (!OF_GIT.test(entry) && !entry.endsWith(UNFINISHED)) continue;
    const path = join(folder, entry);
    if ((await stat(path)).mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}
