import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isFunctionName } from "../../../../platform/function-name.ts";

const SUFFIX = ".git";
/** Folders of repositories that are not kept yet, or no more. No name of a repository leads to them. */
const LEFTOVER = /^(new|gone)-/;

/** Returns the path of a repository in a folder of repositories. */
export function repositoryPath(folder: string, name: string): string {
  return join(folder, `${name}${SUFFIX}`);
}

/** Returns a path for a new repository, which `findRepositories` removes. */
export function newRepositoryPath(folder: string): string {
  return join(folder, `new-${randomUUID()}`);
}

/** Returns the name of a repository by that of its folder; undefined for other folders and files. */
export function repositoryName(entry: string): string | undefined {
  const name = entry.slice(0, -SUFFIX.length);
  return entry.endsWith(SUFFIX) && isFunctionName(name) ? name : undefined;
}

/** Returns the names of the repositories in a folder, which it makes, and removes what killed programs left there. */
export async function findRepositories(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const names: string[] = [];
  for (const entry of await readdir(folder)) {
    const name = repositoryName(entry);
    if (name !== undefined) names.push(name);
    else if (LEFTOVER.test(entry) && !entry.endsWith(SUFFIX))
      await rm(join(folder, entry), { recursive: true, force: true });
  }
  return names;
}

/** Takes the name from a repository. Returns its path, for the caller to remove; undefined if there is none. */
export async function setAside(folder: string, name: string): Promise<string | undefined> {
  const gone = join(folder, `gone-${randomUUID()}`);
  try {
    await rename(repositoryPath(folder, name), gone);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return gone;
}

/** Returns the names in a folder; none if it is not there. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
