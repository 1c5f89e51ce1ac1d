import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Git } from "../program/git.ts";
import { NO_COMMIT, type RefUpdate } from "../repository.ts";
import { readRef } from "./bare-repository.ts";
import { syncPath } from "./files/durable-files.ts";

/** Whether every ref is where its update expects it. */
export async function areAtTheirStart(path: string, updates: readonly RefUpdate[]): Promise<boolean> {
  for (const { ref, from } of updates) if (((await readRef(path, ref)) ?? NO_COMMIT) !== from) return false;
  return true;
}

export interface MoveOptions {
  readonly updates: readonly RefUpdate[];
  readonly between?: () => Promise<void>;
}

/**
 * Moves refs, all or none. `between` runs when git has locked and checked them; if it fails, none moves.
 * @throws GitFailed
 */
export async function moveRefs(git: Git, path: string, options: MoveOptions): Promise<void> {
  const { updates, between } = options;
  if (updates.length === 0) return between?.();
  await removeLocks(path, updates);
  const lines = updates.map(({ ref, from, to }) => `update ${ref}\0${to}\0${from}\0`).join("");
  const { stdin, stdout, ended } = git.start(["update-ref", "--stdin", "-z"], { repository: path });
  // The exit code of git is the error, not a failed write to its input.
  stdin.on("error", () => {});
  const isPrepared = printsLine(stdout, "prepare: ok");
  stdin.write(`start\0${lines}prepare\0`);
  let isMoved = false;
  try {
    if (await isPrepared) {
      await between?.();
      stdin.write("commit\0");
      isMoved = true;
    }
  } finally {
    // Git gives up what was not committed.
    stdin.end();
    if (!isMoved) await ended.catch(() => {});
  }
  await ended;
  for (const folder of new Set(updates.map(({ ref }) => dirname(join(path, ref))))) await syncFolder(folder);
  if (!isMoved) throw new Error("git update-ref ended before it had locked the refs");
}

/** Writes the names in a folder of refs to the disk. Git removes one that is empty. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await syncPath(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await syncFolder(dirname(folder));
  }
}

/** Removes the locks that a git left which was killed. The caller knows that nobody else moves refs now. */
export async function removeLocks(path: string, updates: readonly RefUpdate[]): Promise<void> {
  for (const name of [...updates.map(({ ref }) => ref), "packed-refs"]) {
    await rm(join(path, `${name}.lock`), { force: true }).catch((error: NodeJS.ErrnoException) => {
      // A part of its name is another ref.
      if (error.code !== "ENOTDIR") throw error;
    });
  }
}

/** Resolves when a program has printed the line, or has printed its last one. Reads its output to the end. */
function printsLine(output: Readable, wanted: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const lines = createInterface({ input: output });
  lines.on("line", (line) => line === wanted && resolve(true));
  lines.on("close", () => resolve(false));
  return promise;
}
