import type { Platform } from "../../../platform/platform.ts";
import type { CommitId, FunctionState, RepositoryState } from "../repository.ts";
import type { TreePlan } from "./plan/tree-plan.ts";
import type { StagedFunction } from "./stage.ts";

export interface Taken {
  readonly plan: TreePlan;
  readonly staged: readonly StagedFunction[];
  readonly commit: CommitId;
}

/** Returns the state of a repository whose branch is at a commit, when its functions have their traffic. */
export async function stateAfter(
  { pending: _, ...state }: RepositoryState,
  { plan, staged, commit }: Taken,
  platform: Pick<Platform, "find">,
): Promise<RepositoryState> {
  const functions: Record<string, FunctionState> = {};
  for (const { name, path, former } of plan.functions) {
    const one = staged.find((each) => each.plan.name === name);
    const before = Object.hasOwn(state.functions, name) ? state.functions[name] : undefined;
    const record = one?.record ?? (await platform.find(name));
    if (record === undefined) continue;
    const { version, hash } = record;
    const known = before?.versions[version];
    const isKnown = known !== undefined && known.hash === hash && (one?.made.length ?? 0) === 0;
    const traffic = one?.change?.traffic.length ? one.change.traffic : (former?.traffic ?? []);
    functions[name] = {
      ...{ path, version },
      serving: traffic.length === 1 ? traffic[0]!.version : 0,
      versions: { ...before?.versions, [version]: isKnown ? known : { commit, hash } },
    };
  }
  return { ...state, isGroup: plan.isGroup, tip: commit, functions };
}
