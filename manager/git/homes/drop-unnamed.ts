import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "../program/git.ts";
import type { CommitId, RepositoryState } from "../repository.ts";
import type { MaintainOptions } from "./home.ts";
import { bytesOf, looseIn, loosePath, packsIn } from "./objects.ts";

/** Share of a repository that has to be superfluous. */
const WORTH = 0.1;

export interface DropOptions extends MaintainOptions {
  /** The commits of its versions stay. */
  readonly state: RepositoryState;
}

/**
 * Removes the objects that neither a ref nor a version leads to, if the repository has more than half of its bytes: those
 * of branches that were deleted. Requests that are under way keep what they may ask for. They may read a pack that is
 * removed: git finds its objects in the new one.
 * @returns whether it packed the others again
 */
export async function dropUnnamed(
  git: Git,
  path: string,
  { mostBytes = 0, keep, state }: DropOptions,
): Promise<boolean> {
  const objects = join(path, "objects");
  const packs = await packsIn(objects);
  const bytes = bytesOf(packs);
  if (keep === undefined || bytes <= mostBytes / 2) return false;
  const names = await present(git, path, [...namedBy(state), ...keep]);
  const input = names.map((id) => `${id}\n`).join("");
  const usage = ["rev-list", "--objects", "--disk-usage", "--all", "--stdin"];
  const used = Number((await git.run(usage, { repository: path, input })).toString());
  if (used > bytes * (1 - WORTH)) return false;
  const loose = await looseIn(objects);
  const args = [
    "pack-objects",
    "--revs",
    "--all",
    "--delta-base-offset",
    "-q",
    join(objects, "pack", "pack"),
  ];
  const made = (await git.run(args, { repository: path, input })).toString().trim();
  for (const { id } of packs) if (id !== made) await removePack(objects, id);
  for (const id of loose) await rm(loosePath(objects, id), { force: true });
  return true;
}

/** Removes a pack. Git finds one by its `.idx`, which therefore goes first. */
export async function removePack(objects: string, id: string): Promise<void> {
  for (const ending of ["idx", "rev", "bitmap", "keep", "pack"]) {
    await rm(join(objects, "pack", `pack-${id}.${ending}`), { force: true });
  }
}

/** Every commit that the state of a repository names. */
function namedBy({ tip, functions, pending, mirror }: RepositoryState): readonly CommitId[] {
  const versions = Object.values(functions).flatMap((each) => Object.values(each.versions));
  const others = [tip, pending?.commit, pending?.former, mirror?.followed];
  return [...new Set([...versions.map(({ commit }) => commit), ...others])].filter((id) => id != null);
}

/** Those that are there: a version may have the commit of a history that is lost. */
async function present(git: Git, repository: string, ids: readonly CommitId[]): Promise<CommitId[]> {
  if (ids.length === 0) return [];
  const input = ids.map((id) => `${id}\n`).join("");
  const printed = await git.run(["cat-file", "--batch-check=%(objectname)"], { repository, input });
  return printed
    .toString()
    .split("\n")
    .filter((line) => /^[0-9a-f]{40}$/.test(line));
}
