import { type Git, READING_BYTES } from "../program/git.ts";
import type { CommitId } from "../repository.ts";
import { streamGit } from "./stream-git.ts";

const MOST_BYTES = 1024 ** 2;
/** A tree that nothing deploys may have folders without end. */
const MOST_MS = 20_000;
/** Nothing of the repository decides what runs. A merge is compared with the branch that it was made on. */
const ARGS = [
  ...["-c", "core.quotePath=false", "show", "--format=", "--patch", "--diff-merges=first-parent"],
  ...["--no-ext-diff", "--no-textconv", "--no-color", "--no-show-signature", "-l200", "--end-of-options"],
];

export interface DiffOptions {
  readonly repository: string;
  readonly commit: CommitId;
  /** Time after which the diff is cut, in milliseconds. */
  readonly mostMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Returns what a commit changes against its first parent. Of binary files it has the names only. */
export async function diffCommit(git: Git, options: DiffOptions): Promise<string> {
  const { repository, commit, mostMs = MOST_MS } = options;
  const chunks: Uint8Array[] = [];
  const cut = new AbortController();
  const late = setTimeout(() => cut.abort(`after ${mostMs / 1_000} s`), mostMs);
  const signal = options.signal ? AbortSignal.any([options.signal, cut.signal]) : cut.signal;
  let bytes = 0;
  try {
    await streamGit(
      git,
      [...ARGS, commit, "--"],
      { repository, signal, memoryBytes: READING_BYTES },
      async (output) => {
        for await (const chunk of output) {
          if (bytes <= MOST_BYTES) chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MOST_BYTES) cut.abort("at 1 MiB");
        }
      },
    );
  } catch (error) {
    if (!cut.signal.aborted || options.signal?.aborted) throw error;
  } finally {
    clearTimeout(late);
  }
  const diff = Buffer.concat(chunks);
  if (!cut.signal.aborted) return diff.toString();
  const kept = diff.subarray(0, diff.subarray(0, MOST_BYTES).lastIndexOf("\n") + 1);
  return `${kept}Skiff cuts the diff here, ${cut.signal.reason}: clone the repository to see all of it.\n`;
}
