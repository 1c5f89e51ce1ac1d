import type { Principal } from "../../http/access/principal.ts";
import type { FunctionSummary, Platform } from "../../platform/platform.ts";

const PAGE = 100;

/** Lists every function that the caller may see, in the order of their names. */
export async function visibleFunctions(
  platform: Pick<Platform, "list">,
  { functions }: Pick<Principal, "functions">,
): Promise<FunctionSummary[]> {
  const all: FunctionSummary[] = [];
  for (;;) {
    const page = await platform.list({ after: all.at(-1)?.name, limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return functions ? all.filter(({ name }) => functions.includes(name)) : all;
  }
}
