import type { Git } from "../program/git.ts";
import type { CommitId } from "../repository.ts";
import { streamGit } from "./stream-git.ts";

const MOST_BYTES = 1024 ** 2;
const CUT = "Skiff cuts the diff here, at 1 MiB: clone the repository to see all of it.\n";
/** Nothing of the repository decides what runs. A merge is compared with the branch that it was made on. */
const ARGS = [
  ...["-c", "core.quotePath=false", "show", "--format=", "--patch", "--diff-merges=first-parent"],
  ...["--no-ext-diff", "--no-textconv", "--no-color", "--no-show-signature", "-l200", "--end-of-options"],
];

export interface DiffOptions {
  readonly repository: string;
  readonly commit: CommitId;
  readonly signal?: AbortSignal | undefined;
}

/** Returns what a commit changes against its first parent. Of binary files it has the names only. */
export async function diffCommit(git: Git, { repository, commit, signal }: DiffOptions): Promise<string> {
  const chunks: Uint8Array[] = [];
  const cut = new Error("The diff is long enough");
  try {
    await streamGit(
      git,
      [...ARGS, commit, "--"],
      { repository, ...(signal ? { signal } : {}) },
      async (output) => {
        let bytes = 0;
        for await (const chunk of output) {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MOST_BYTES) throw cut;
        }
      },
    );
  } catch (error) {
    if (error !== cut) throw error;
    const kept = Buffer.concat(chunks).subarray(0, MOST_BYTES);
    return `${kept.subarray(0, kept.lastIndexOf("\n") + 1)}${CUT}`;
  }
  return Buffer.concat(chunks).toString();
}
