import type { FunctionDescription, FunctionSummary, Page, Platform } from "../platform.ts";

/** Functions that are described at the same time. */
const AT_ONCE = 8;

/** Returns the names behind `after`, in order. */
export function pageOf(names: readonly string[], after = ""): string[] {
  return names.filter((name) => name > after).sort();
}

/**
 * Describes a page of functions one by one. A function that cannot be described has its summary where all are listed, so
 * that the page is full while there are more.
 */
export async function describeEach(
  platform: Pick<Platform, "list" | "describe">,
  { names, after, limit }: Page,
): Promise<(FunctionDescription | FunctionSummary)[]> {
  const listed = names ? [] : await platform.list({ after, limit });
  const summaries = new Map(listed.map((each) => [each.name, each]));
  const all = names ? pageOf(names, after) : [...summaries.keys()];
  const describe = async (name: string) => (await platform.describe(name)) ?? summaries.get(name);
  const found: (FunctionDescription | FunctionSummary)[] = [];
  for (let at = 0; at < all.length && found.length < limit; at += AT_ONCE) {
    const some = await Promise.all(all.slice(at, at + AT_ONCE).map(describe));
    found.push(...some.filter((each) => each !== undefined));
  }
  return found.slice(0, limit);
}
