import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { OpenRepository } from "./homes/home.ts";
import type { Git } from "./program/git.ts";

/** Folders of git for objects; any other one is the quarantine of a push that is arriving. */
const KEPT = /^([0-9a-f]{2}|pack|info)$/;

/** Whether a repository has nothing that somebody would miss: no commit, branch, tag, version, mirror or arriving push. */
export async function isUnused({ path, state, head }: OpenRepository, git: Git): Promise<boolean> {
  const { tip, functions, mirror, pending } = state;
  if (tip !== null || head !== undefined || mirror !== undefined || pending !== undefined) return false;
  if (Object.values(functions).some(({ version }) => version > 0)) return false;
  if ((await readdir(join(path, "objects"))).some((entry) => !KEPT.test(entry))) return false;
  return (await git.run(["for-each-ref", "--count=1"], { repository: path })).length === 0;
}
