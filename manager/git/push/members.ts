import { type Principal, requireAllFunctions, requireFunction } from "../../../http/access/principal.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Home, OpenRepository } from "../homes/home.ts";
import type { TreePlan } from "./plan/tree-plan.ts";

/**
 * Checks that the functions of a tree may be in a repository. One that has a repository of its own moves into a group.
 * @throws Problem `insufficient_scope`; `push_refused` for a function of another group
 */
export async function checkMembers(
  { functions, objects }: TreePlan,
  { name, state }: OpenRepository,
  { principal, home }: { readonly principal: Principal; readonly home: Home },
): Promise<void> {
  for (const each of Object.keys(state.functions)) requireFunction(principal, each);
  for (const { name: each } of functions) requireFunction(principal, each);
  if (objects.length > 0) requireAllFunctions(principal);
  for (const { name: each } of functions) {
    const owner = await home.ownerOf(each);
    if (owner === undefined || owner === name) continue;
    if (owner === each && !(await home.find(owner))?.state.isGroup) continue;
    const detail = `The function "${each}" is in the repository "${owner}": remove it from the skiff.yaml there, or from this one.`;
    throw new Problem("push_refused", detail);
  }
}

/** Says which functions a tree does not have any more: they go on without a repository. */
export function leavingLines({ functions }: TreePlan, { state }: OpenRepository): string[] {
  const stay = new Set(functions.map(({ name }) => name));
  return Object.keys(state.functions)
    .filter((name) => !stay.has(name))
    .map((name) => `${name} left this repository, and stays deployed: skiff delete ${name} removes it`);
}
