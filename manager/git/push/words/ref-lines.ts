import {
  branchRef,
  NO_COMMIT,
  type RefUpdate,
  type RepositoryState,
  shortId,
  shortRef,
} from "../../repository.ts";
import { deployingBranch } from "../rules/decide.ts";

/** Refs of a push that are shown. */
export const MOST_LINES = 20;

/** Says what a push asks of each ref, with an arrow for the branch that deploys. */
export function refLines(
  updates: readonly RefUpdate[],
  { name, state }: { readonly name: string; readonly state: RepositoryState },
): string[] {
  const branch = deployingBranch(updates, state);
  const lines = updates.map(({ ref, to }) => {
    if (to === NO_COMMIT) return `deleting ${shortRef(ref)}`;
    const shown = `${shortRef(ref)} ${shortId(to)}`;
    return branch !== undefined && ref === branchRef(branch) ? `${shown} → ${name}` : shown;
  });
  return atMost(lines, MOST_LINES);
}

/** Shortens a list, and says how much is left out. */
export function atMost(lines: readonly string[], most: number): string[] {
  const more = lines.length - most;
  return more > 0 ? [...lines.slice(0, most), `and ${more} more`] : [...lines];
}
