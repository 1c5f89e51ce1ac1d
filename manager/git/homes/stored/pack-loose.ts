import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "../../program/git.ts";
import { NO_COMMIT, type RefUpdate } from "../../repository.ts";

const LOOSE_FOLDER = /^[0-9a-f]{2}$/;
const LOOSE_OBJECT = /^[0-9a-f]{38}$/;

/**
 * Moves the loose objects of a folder into a pack, because only packs are stored.
 * @param objects a quarantine; without it the objects of the repository
 */
export async function packLoose(git: Git, repository: string, objects?: string): Promise<void> {
  const folder = objects ?? join(repository, "objects");
  const loose: string[] = [];
  for (const start of (await readdir(folder)).filter((name) => LOOSE_FOLDER.test(name))) {
    for (const rest of await readdir(join(folder, start)))
      if (LOOSE_OBJECT.test(rest)) loose.push(start + rest);
  }
  if (loose.length === 0) return;
  await git.run(["pack-objects", "-q", join(folder, "pack", "pack")], {
    repository,
    input: `${loose.join("\n")}\n`,
    ...(objects === undefined ? {} : { objects }),
  });
  for (const id of loose) await rm(join(folder, id.slice(0, 2), id.slice(2)), { force: true });
}

/** @throws Error if a ref would point to nothing */
export async function checkTips(git: Git, repository: string, updates: readonly RefUpdate[]): Promise<void> {
  const tips = updates.map(({ to }) => to).filter((to) => to !== NO_COMMIT);
  if (tips.length === 0) return;
  const args = ["cat-file", "--batch-check=%(objectname)"];
  const printed = await git.run(args, { repository, input: `${tips.join("\n")}\n` });
  const missing = printed
    .toString()
    .split("\n")
    .find((line) => line.endsWith(" missing"));
  if (missing !== undefined)
    throw new Error(`the repository ${repository} has no object ${missing.split(" ")[0]}`);
}
