import type { Limits } from "../../../../platform/limits.ts";
import { Problem } from "../../../../platform/problems.ts";
import { formatBytes } from "../../../../platform/quantity.ts";
import { quarantinedBytes } from "../../homes/maintain.ts";
import { bytesOf, packsIn } from "../../homes/objects.ts";
import { type Git, GitFailed } from "../../program/git.ts";
import { NO_COMMIT } from "../../repository.ts";
import type { Push } from "../push.ts";

/**
 * Refuses a push of which objects are missing, as from a shallow clone. Git would refuse it after the deploy. What it found
 * before its turn may have been dropped since.
 * @throws Problem `push_refused`
 */
export async function refuseMissingHistory(git: Git, push: Push): Promise<void> {
  const { repository, objects, updates, signal } = push;
  const ids = updates.filter(({ to }) => to !== NO_COMMIT).map(({ to }) => `${to}\n`);
  if (ids.length === 0) return;
  const at = { repository: repository.path, objects, signal };
  const args = ["rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"];
  try {
    await git.run(args, { ...at, input: ids.join("") });
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    const detail =
      "The push lacks a part of its history, as from a shallow clone: git fetch --unshallow, then push again.";
    throw new Problem("push_refused", detail);
  }
}

/** @throws Problem `push_refused` if the repository would become too large */
export async function checkRoom(
  { repository, objects }: Push,
  { repositoryBytes }: Pick<Limits, "repositoryBytes">,
): Promise<void> {
  // A push that only deletes makes room.
  if (objects === undefined) return;
  const others = (await repository.bytes()) + (await quarantinedBytes(repository.path, objects));
  const bytes = others + bytesOf(await packsIn(objects));
  if (bytes <= repositoryBytes) return;
  const detail = `The repository would have ${formatBytes(bytes)}, at most ${formatBytes(repositoryBytes)} (SKIFF_MAX_REPOSITORY): leave large files out of its history, or raise SKIFF_MAX_REPOSITORY.`;
  throw new Problem("push_refused", detail, { setting: "SKIFF_MAX_REPOSITORY" });
}

/** Other pushes have sent more than a repository may have. */
export function tooMuchArriving(): Problem {
  const detail =
    "Other pushes to the repository are arriving, which have its room: push again when they have ended.";
  return new Problem("push_refused", detail);
}
