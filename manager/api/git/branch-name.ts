import { checkRefName } from "../../git/push/rules/ref-names.ts";
import { branchRef } from "../../git/repository.ts";

/** Whether git accepts a text as the name of a branch. */
export function isBranchName(text: string): boolean {
  return checkRefName(branchRef(text)) === undefined;
}
