import type { KeptRepository } from "./homes/home.ts";

/**
 * Names the repositories that a killed program left unfinished: in the middle of a push, before a move of the branch, or
 * after their function has moved into a group.
 */
export async function unfinishedIn(repositories: AsyncIterable<KeptRepository>): Promise<Set<string>> {
  const unfinished = new Set<string>();
  const single = new Set<string>();
  const grouped = new Set<string>();
  for await (const { name, state, head } of repositories) {
    if (state.pending !== undefined || state.tip !== (head ?? null)) unfinished.add(name);
    if (!state.isGroup) single.add(name);
    else for (const each of Object.keys(state.functions)) grouped.add(each);
  }
  return unfinished.union(single.intersection(grouped));
}
