import type { CallPoolStats, FunctionStats, RouterTotals } from "./stats.ts";

/**
 * Adds up the stats of several routers on one machine by function, except the instances, which each of them counts.
 * `parts` must include the last stats of routers that ended, so that no counter decreases.
 */
export function mergeStats(parts: Iterable<Iterable<FunctionStats>>): FunctionStats[] {
  const byName = new Map<string, FunctionStats>();
  for (const part of parts) {
    for (const stats of part) {
      const before = byName.get(stats.name);
      const ready = Math.max(before?.ready ?? 0, stats.ready);
      const pool = mergePools(before?.pool, stats.pool);
      const merged = before === undefined ? stats : { ...add(before, stats), ready };
      byName.set(stats.name, pool === undefined ? merged : { ...merged, pool });
    }
  }
  return [...byName.values()];
}

function mergePools(a: CallPoolStats | undefined, b: CallPoolStats | undefined): CallPoolStats | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { unused: Math.max(a.unused, b.unused), misses: a.misses + b.misses };
}

export function mergeTotals(parts: readonly RouterTotals[]): RouterTotals {
  return parts.reduce(add, { unrouted: {}, logLinesDropped: 0, spansDropped: 0 });
}

/** Adds numbers, also in arrays by index and in objects by key; keeps the first of other values. */
function add<T>(a: T, b: T): T {
  if (typeof a === "number") return (a + (b as number)) as T;
  if (Array.isArray(a)) return a.map((each, index) => add(each, (b as typeof a)[index])) as T;
  if (typeof a !== "object" || a === null) return a;
  const sum: T = { ...a };
  for (const key in b) sum[key] = Object.hasOwn(a, key) ? add(sum[key], b[key]) : b[key];
  return sum;
}
