import { Problem } from "../../../../platform/problems.ts";
import { branchRef, NO_COMMIT, type RefUpdate, type RepositoryState, shortRef } from "../../repository.ts";
import { checkRefName, clashesAmong } from "./ref-names.ts";

/** What a push means for a repository. */
export interface Decision {
  /** The branch that deploys, from now on. */
  readonly branch: string;
  /** Absent if the push leaves it alone. */
  readonly deploying: RefUpdate | undefined;
  /** Other branches and tags. */
  readonly stored: readonly RefUpdate[];
}

/** The repository before the push. */
export interface Present {
  readonly state: RepositoryState;
  /** Every branch and tag. */
  readonly refs: readonly string[];
}

const HEADS = "refs/heads/";
const TAGS = "refs/tags/";
const MOST_REFS = 1_000;
/** Branches that deploy if a first push has several, in this order. */
const USUAL = ["main", "master"];

/**
 * Decides which branch of a push deploys, and refuses what git would refuse when versions take calls already.
 * @throws Problem `push_refused` with a line for each ref that is refused
 */
export function decide(updates: readonly RefUpdate[], { state, refs }: Present): Decision {
  const pushed = new Map(updates.map(({ ref }, index) => [ref, index]));
  const branch = deployingBranch(updates, state);
  if (branch === undefined) throw noBranch(updates, state.branch);
  const faults = updates.flatMap((update, index) => {
    const isTwice = pushed.get(update.ref) !== index;
    return isTwice
      ? `${shortRef(update.ref)} was pushed twice: push it once.`
      : (faultOf(update, branch) ?? []);
  });
  if (faults.length > 0) throw new Problem("push_refused", faults.slice(0, 10).join("\n"));
  const known = new Set(refs);
  const created = updates.filter(({ ref, to }) => to !== NO_COMMIT && !known.has(ref));
  // Bounds what follows.
  if (refs.length + created.length > MOST_REFS) {
    const detail = `The repository would have ${refs.length + created.length} branches and tags, at most ${MOST_REFS}: delete some first.`;
    throw new Problem("push_refused", detail);
  }
  const clashOf = clashesAmong([...refs, ...created.map(({ ref }) => ref)]);
  for (const { ref } of created) {
    const clash = clashOf(ref);
    if (clash === undefined) continue;
    const detail = `${shortRef(ref)} cannot be beside ${shortRef(clash)}: git keeps one as a file, the other as a folder. Push it under another name.`;
    throw new Problem("push_refused", detail);
  }
  const deploying = updates.find(({ ref }) => ref === branchRef(branch));
  return { branch, deploying, stored: updates.filter((update) => update !== deploying) };
}

/** Returns the branch that deploys, which the first push chooses; undefined if it leaves that open. */
export function deployingBranch(
  updates: readonly RefUpdate[],
  { tip, branch }: Pick<RepositoryState, "tip" | "branch">,
): string | undefined {
  if (tip !== null) return branch;
  const pushed = pushedBranches(updates);
  const usual = [branch, ...USUAL].find((each) => pushed.includes(each));
  return usual ?? (pushed.length === 1 ? pushed[0] : undefined);
}

function pushedBranches(updates: readonly RefUpdate[]): string[] {
  return updates
    .filter(({ ref, to }) => ref.startsWith(HEADS) && to !== NO_COMMIT)
    .map(({ ref }) => shortRef(ref));
}

function noBranch(updates: readonly RefUpdate[], branch: string): Problem {
  const pushed = pushedBranches(updates);
  const [first] = pushed;
  const detail =
    first === undefined
      ? `The repository has no commit: push the branch ${branch} first, which deploys.`
      : `The repository has no branch that deploys: push it alone first, such as git push … ${first}.`;
  return new Problem("push_refused", detail);
}

function faultOf({ ref, to }: RefUpdate, branch: string): string | undefined {
  if (!ref.startsWith(HEADS) && !ref.startsWith(TAGS)) {
    return `${JSON.stringify(ref.slice(0, 100))} is no branch and no tag: push to refs/heads/ or refs/tags/.`;
  }
  if (to === NO_COMMIT) {
    if (ref !== branchRef(branch)) return undefined;
    return `${branch} deploys, and cannot be deleted: push a commit that changes it, or delete the function with skiff delete.`;
  }
  return checkRefName(ref);
}
