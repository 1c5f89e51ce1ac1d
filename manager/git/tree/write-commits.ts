import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { addObjects } from "../homes/objects.ts";
import type { Git } from "../program/git.ts";
import type { CommitId } from "../repository.ts";
import { importStream } from "./import-stream.ts";
import { planImport } from "./plan-import.ts";
import { streamGit } from "./stream-git.ts";
import type { NewCommit } from "./tree.ts";

/** A folder of an import, which `removeLeftovers` knows. */
const IMPORT = "tmp_import-";

/**
 * Writes commits by one `git fast-import`, and moves no ref. Files for git, such as `.gitignore`, stay as the parent
 * has them where `files` has none of their name. Files whose path git cannot hold, as in a folder `.git`, are left out.
 * @returns their ids, in order
 */
export async function writeCommits(
  git: Git,
  repository: string,
  commits: readonly NewCommit[],
): Promise<CommitId[]> {
  if (commits.length === 0) return [];
  const plan = await planImport(git, repository, commits);
  const args = ["fast-import", "--quiet", "--date-format=raw"];
  // Git fails if another one writes the same pack there, or was killed while it did.
  const folder = join(repository, "objects");
  const objects = await mkdtemp(join(folder, IMPORT));
  try {
    const options = { repository, objects, feed: () => importStream(plan) };
    const printed = await streamGit(git, args, options, (output) => Array.fromAsync(output));
    await addObjects(objects, folder);
    return Buffer.concat(printed).toString("latin1").split("\n").filter(Boolean);
  } finally {
    await rm(objects, { recursive: true, force: true });
  }
}
