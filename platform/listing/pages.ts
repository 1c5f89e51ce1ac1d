import type { FunctionDescription, Page, Platform } from "../platform.ts";

/** Functions that are described at the same time. */
const AT_ONCE = 8;

/** Returns the names behind `after`, in order. */
export function pageOf(names: readonly string[], after = ""): string[] {
  return names.filter((name) => name > after).sort();
}

/** Describes a page of functions one by one. A function that was removed meanwhile is missing. */
export async function describeEach(
  platform: Pick<Platform, "list" | "describe">,
  { names, after, limit }: Page,
): Promise<FunctionDescription[]> {
  const all = names ? pageOf(names, after) : (await platform.list({ after, limit })).map(({ name }) => name);
  const found: FunctionDescription[] = [];
  for (let at = 0; at < all.length && found.length < limit; at += AT_ONCE) {
    const some = await Promise.all(all.slice(at, at + AT_ONCE).map((name) => platform.describe(name)));
    found.push(...some.filter((each) => each !== undefined));
  }
  return found.slice(0, limit);
}
