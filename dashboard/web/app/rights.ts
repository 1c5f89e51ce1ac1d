import type { Holder, Scope } from "../session/session.ts";

interface PageRight {
  readonly path: RegExp;
  /** One of them will do. */
  readonly scopes: readonly Scope[];
  /** It concerns all functions, so a key for some of them cannot use it. */
  readonly isForAll?: boolean;
}

/** What pages require of a key, as the API does. The first match counts; all others need `read`. */
const RIGHTS: readonly PageRight[] = [
  { path: /^\/($|try\/)/, scopes: [] },
  { path: /^\/new$/, scopes: ["deploy"] },
  { path: /^\/flows\/[^/]+\/runs\//, scopes: ["read", "call"] },
  { path: /^\/calls(\/|$)/, scopes: ["read", "call"] },
  { path: /^\/flows\/new$/, scopes: ["deploy"], isForAll: true },
  { path: /^\/commands$/, scopes: ["run"], isForAll: true },
  { path: /^\/(keys|audit)$/, scopes: ["admin"], isForAll: true },
  {
    path: /^\/(secrets|topics|subscriptions|schedules|flows|runs)(\/|$)/,
    scopes: ["read"],
    isForAll: true,
  },
];

const READ: Omit<PageRight, "path"> = { scopes: ["read"] };

/** Returns why a key cannot use a page, in one sentence; undefined if it can. */
export function obstacleTo(path: string, { scopes: held, functions }: Holder): string | undefined {
  const { scopes, isForAll = false } = RIGHTS.find((right) => right.path.test(path)) ?? READ;
  const hasScope =
    scopes.length === 0 || held.includes("admin") || scopes.some((each) => held.includes(each));
  if (!hasScope) {
    const wanted = scopes.map((each) => `“${each}”`).join(" or ");
    const own = held.length === 0 ? "no scope" : held.map((each) => `“${each}”`).join(", ");
    return `This page needs a key with the scope ${wanted}, and yours has ${own}.`;
  }
  if (!isForAll || functions === undefined) return undefined;
  return `This page concerns all functions, and your key is for ${functions.join(", ")} alone.`;
}
