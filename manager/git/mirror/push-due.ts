import type { RepositoryState } from "../repository.ts";

/** Whether a repository has what the one that follows it may not have. */
export function isPushDue({ mirror, tip }: Pick<RepositoryState, "mirror" | "tip">): boolean {
  if (mirror?.direction !== "push" || tip === null) return false;
  return mirror.last?.commit !== tip || mirror.last.error !== undefined;
}
