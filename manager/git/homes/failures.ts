import { Problem, toProblem } from "../../../platform/problems.ts";
import { isDiskFull } from "../../../platform/shortage.ts";
import { GitFailed } from "../program/git.ts";

const FULL = /No space left on device|Disk quota exceeded/;

export function repositoryConflict(name: string): Problem<"repository_conflict"> {
  const detail = `The repository "${name}" has changed meanwhile: fetch, merge, and push again.`;
  return new Problem("repository_conflict", detail);
}

/** Returns `storage_full` for a full disk, whoever met it; other errors unchanged. */
export function toStorageFull(error: unknown): unknown {
  if (isDiskFull(error)) return toProblem(error);
  if (!(error instanceof GitFailed) || !FULL.test(error.stderr)) return error;
  return toProblem(Object.assign(new Error("the disk is full", { cause: error }), { code: "ENOSPC" }));
}
