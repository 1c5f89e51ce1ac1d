import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "../../program/git.ts";
import { NO_COMMIT, type RefUpdate } from "../../repository.ts";
import { looseIn, loosePath } from "../objects.ts";

/**
 * Moves the loose objects of a folder into a pack, because only packs are stored.
 * @param objects a quarantine; without it the objects of the repository
 */
export async function packLoose(git: Git, repository: string, objects?: string): Promise<void> {
  const folder = objects ?? join(repository, "objects");
  const loose = await looseIn(folder);
  if (loose.length === 0) return;
  await git.run(["pack-objects", "-q", join(folder, "pack", "pack")], {
    repository,
    input: `${loose.join("\n")}\n`,
    objects,
  });
  for (const id of loose) await rm(loosePath(folder, id), { force: true });
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
