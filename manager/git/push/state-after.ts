import type { Platform } from "../../../platform/platform.ts";
import { newFunction, wholeOf } from "../history/plan-history.ts";
import type { FunctionState, PendingPush, RepositoryState } from "../repository.ts";
import { trafficAfter } from "./switch.ts";

/** Returns the state of a repository whose push is complete: the branch is at its commit. */
export async function stateAfter(
  { pending: _, ...state }: RepositoryState,
  pending: PendingPush,
  platform: Pick<Platform, "find">,
): Promise<RepositoryState> {
  const { branch, commit, isGroup, paths, changes } = pending;
  const functions: Record<string, FunctionState> = {};
  for (const [name, path] of Object.entries(paths)) {
    const before = Object.hasOwn(state.functions, name) ? state.functions[name]! : newFunction(path);
    const change = changes?.switches[name];
    const record = await platform.find(name, change?.version ?? changes?.unchanged[name]);
    if (record === undefined) continue;
    const { version, hash } = record;
    const known = before.versions[version];
    functions[name] = {
      ...{ path, version },
      serving: change === undefined ? before.serving : (wholeOf(trafficAfter(change)) ?? 0),
      versions: { ...before.versions, [version]: known?.hash === hash ? known : { commit, hash } },
    };
  }
  return { ...state, branch, isGroup, tip: commit, functions };
}

/** Returns the state of a repository whose push has changed nothing. */
export function stateWithout({ pending: _, ...state }: RepositoryState): RepositoryState {
  return state;
}
