import type { FunctionStats, RouterTotals } from "./stats.ts";

/**
 * Adds the stats of several routers on one machine up by function, but for `ready`, which each of them counts. Counters
 * decrease when a router leaves: keep the last stats of one that ended among `parts`.
 */
export function mergeStats(parts: Iterable<Iterable<FunctionStats>>): FunctionStats[] {
  const byName = new Map<string, FunctionStats>();
  for (const part of parts) {
    for (const stats of part) {
      const before = byName.get(stats.name);
      byName.set(stats.name, before === undefined ? stats : mergeTwo(before, stats));
    }
  }
  return [...byName.values()];
}

/** Adds the totals of several routers up. */
export function mergeTotals(parts: readonly RouterTotals[]): RouterTotals {
  return parts.reduce(add, { unrouted: {}, logLinesDropped: 0, spansDropped: 0 });
}

function mergeTwo(a: FunctionStats, b: FunctionStats): FunctionStats {
  const [inA, inB] = [a, b].map(({ versions }) =>
    Object.fromEntries(versions.map(({ version, answered }) => [version, answered])),
  );
  const versions = Object.entries(add(inA!, inB!)).map(([version, answered]) => ({ version, answered }));
  return { ...add(a, b), versions, ready: Math.max(a.ready, b.ready) };
}

/** Adds numbers, those of arrays by index and those of objects by key; keeps the first of anything else. */
function add<T>(a: T, b: T): T {
  if (typeof a === "number") return (a + (b as number)) as T;
  if (Array.isArray(a)) return a.map((each, index) => add(each, (b as typeof a)[index])) as T;
  if (typeof a !== "object" || a === null) return a;
  const sum: T = { ...a };
  for (const key in b) sum[key] = Object.hasOwn(a, key) ? add(sum[key], b[key]) : b[key];
  return sum;
}
