import { isDeepStrictEqual } from "node:util";
import { Problem } from "../../../../platform/problems.ts";
import type { StoredRepository as Row } from "../../../../store/git/repositories.ts";
import { type CommitId, NO_COMMIT, type RefUpdate, type RepositoryState } from "../../repository.ts";
import { checkState } from "../state-file.ts";

/** Returns the refs after the updates; undefined if one is neither where its update expects it nor where it goes. */
export function withUpdates(
  before: Readonly<Record<string, CommitId>>,
  updates: readonly RefUpdate[],
): Readonly<Record<string, CommitId>> | undefined {
  const refs = new Map(Object.entries(before));
  for (const { ref, from, to } of updates) {
    const current = refs.get(ref) ?? NO_COMMIT;
    // Git may have failed to move what is stored already.
    if (current !== from && current !== to) return undefined;
    if (to === NO_COMMIT) refs.delete(ref);
    else refs.set(ref, to);
  }
  return Object.fromEntries(refs);
}

/**
 * Joins a change with the mirror that another manager saved at the same time. It does not conflict with other changes.
 * @param before what the change began with
 * @returns undefined if the other one changed something else, or both changed the mirror
 */
export function joinMirrors(before: Row, change: RowChange, theirs: Row): RowChange | undefined {
  const [began, now, own] = [plain(before), plain(theirs), plain(change)];
  const isTheirs = isDeepStrictEqual(now.rest, began.rest) && !isDeepStrictEqual(now.mirror, began.mirror);
  if (!isTheirs || !isDeepStrictEqual(own.mirror, began.mirror)) return undefined;
  return { ...change, state: { ...change.state, mirror: now.mirror } };
}

type RowChange = Omit<Row, "revision">;

/** Members that are undefined are missing in the store. */
function plain({ refs, packs, functions, state }: RowChange): {
  readonly rest: unknown;
  readonly mirror: unknown;
} {
  const { mirror, ...others } = state as Partial<RepositoryState>;
  return JSON.parse(JSON.stringify({ mirror, rest: { refs, packs, functions, others } }));
}

/**
 * Returns the state in a row.
 * @throws Problem `internal_error` with what to do if it is broken
 */
export function stateOf({ name, state }: Row): RepositoryState {
  try {
    return checkState(state);
  } catch (error) {
    const remedy = `restore the row of ${name} in the table repositories from a backup, or remove it: Skiff makes the repository again from the kept versions`;
    const detail = `The state of the repository "${name}" in the store is broken (${(error as Error).message}): ${remedy}.`;
    throw new Problem("internal_error", detail);
  }
}
