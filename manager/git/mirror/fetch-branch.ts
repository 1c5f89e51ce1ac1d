import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { initRepository, readRef } from "../homes/bare-repository.ts";
import { bytesOf, packsIn } from "../homes/objects.ts";
import type { GitProgram, StartOptions } from "../program/git-program.ts";
import { branchRef, type CommitId } from "../repository.ts";

export interface FetchOptions {
  readonly git: GitProgram;
  /** A folder for what is fetched. */
  readonly folder: string;
  /** The repository whose objects need not be fetched. */
  readonly repository: string;
  readonly url: string;
  readonly branch: string;
  /** How to get there (reach.ts). */
  readonly reach: Pick<StartOptions, "config" | "env">;
  /** Most bytes of new objects. */
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

export interface Fetched {
  readonly commit: CommitId;
  /** The folder with the new objects, as a quarantine. */
  readonly objects: string;
  readonly bytes: number;
  /** Removes them. */
  release(): Promise<void>;
}

/** Where fetched branches are until they are deployed. */
export function fetchedFolder(toolsFolder: string): string {
  return join(toolsFolder, "fetched");
}

const FETCHED = branchRef("fetched");

/**
 * Fetches a branch of another repository with its whole history, into a folder of its own: the repository is not changed,
 * and may be meanwhile. A part of the history would be no answer to the next push, nor to a clone.
 * @throws GitFailed; the reason of the signal
 */
export async function fetchBranch(options: FetchOptions): Promise<Fetched> {
  const { git, folder, repository, url, branch, reach, mostBytes, signal } = options;
  const path = join(folder, randomUUID());
  const release = () => rm(path, { recursive: true, force: true });
  try {
    await mkdir(folder, { recursive: true });
    await initRepository(path, "fetched");
    await writeFile(join(path, "objects", "info", "alternates"), `${repository}/objects\n`);
    const quiet = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
    await git.run(
      [
        ...["fetch", ...quiet, "--no-auto-maintenance", "--end-of-options"],
        ...[url, `+${branchRef(branch)}:${FETCHED}`],
      ],
      {
        ...{ repository: path, signal, fileBytes: mostBytes, env: reach.env ?? {} },
        config: { ...reach.config, "fetch.fsckObjects": "true", "fetch.unpackLimit": "1" },
      },
    );
    const commit = await readRef(path, FETCHED);
    if (commit === undefined) throw new Error(`git fetched no commit from ${url}`);
    const objects = join(path, "objects");
    const bytes = bytesOf(await packsIn(objects));
    return { commit, objects, bytes, release };
  } catch (error) {
    await release();
    throw error;
  }
}
