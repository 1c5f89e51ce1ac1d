import { type Draft, EditFault, keyOf, type Path } from "./draft.ts";

/** Where the steps are. */
const LISTS = ["steps", "finally"];

/** Returns the paths of all steps in the order of the text. */
export function stepPaths(draft: Draft): readonly Path[] {
  return LISTS.flatMap((list) => (draft.mapAt([list])?.items ?? []).map((pair) => [list, keyOf(pair)]));
}

export function pathOfStep(draft: Draft, name: string): Path {
  const path = stepPaths(draft).find(([, step]) => step === name);
  if (path === undefined) throw new EditFault(`There is no step ${name}.`);
  return path;
}
