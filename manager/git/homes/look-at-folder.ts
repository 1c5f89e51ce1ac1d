import { join } from "node:path";
import { isPushDue } from "../mirror/push-due.ts";
import { branchRef } from "../repository.ts";
import { readRef } from "./bare-repository.ts";
import { namesIn, repositoryName } from "./files/repository-folders.ts";
import { readState } from "./state-file.ts";

/** What a home has, found without git. */
export interface HomeGlance {
  readonly hasRepositories: boolean;
  /** Whether a program that ended left a push, a move of a branch or function, or a push to a mirror unfinished. */
  readonly isUnfinished: boolean;
}

/** Looks at the repositories in a folder. One whose state is broken has its error when it is opened. */
export async function lookAtFolder(folder: string): Promise<HomeGlance> {
  const repositories = (await namesIn(folder)).filter((entry) => repositoryName(entry) !== undefined);
  const functions = new Set<string>();
  let isUnfinished = false;
  for (const entry of repositories) {
    const path = join(folder, entry);
    const kept = await readState(path).catch(() => undefined);
    if (kept === undefined) continue;
    const { branch, tip, pending } = kept.state;
    const isBehind = tip !== null && (await readRef(path, branchRef(branch))) !== tip;
    const members = Object.keys(kept.state.functions);
    const isTwice = members.some((name) => functions.has(name));
    for (const name of members) functions.add(name);
    if (pending !== undefined || kept.moves.length > 0 || isBehind || isTwice || isPushDue(kept.state))
      isUnfinished = true;
  }
  return { hasRepositories: repositories.length > 0, isUnfinished };
}
