import { setImmediate } from "node:timers/promises";
import { FUNCTION_FAMILIES } from "./function-metrics.ts";
import { headOf, linesOf, type MetricFamily, type Value } from "./metric-family.ts";
import { PROCESS_FAMILIES, type ProcessMetrics } from "./process-metrics.ts";
import { ROUTER_FAMILIES } from "./router-metrics.ts";
import type { FunctionStats, RouterTotals } from "./stats.ts";

/** What the metrics are read from: a router, or the one that knows what several of them counted. */
export interface MetricsSource {
  stats(): Iterable<FunctionStats> | Promise<Iterable<FunctionStats>>;
  totals(): RouterTotals | Promise<RouterTotals>;
  /** Metrics of other processes that answer calls, by their value of the label `worker`. */
  processes?(): Iterable<readonly [worker: string, metrics: ProcessMetrics]>;
}

/** All families that there are; tests check docs/observability.md and the dashboard against them. */
export const FAMILIES: readonly MetricFamily[] = [
  ...FUNCTION_FAMILIES,
  ...ROUTER_FAMILIES,
  ...PROCESS_FAMILIES,
];

/** Functions whose numbers are written without a pause: about a millisecond's work. */
const FUNCTIONS_AT_A_TIME = 20;

/**
 * The metrics of a router and of its process, as Prometheus text. Numbers are read when they are asked for; in
 * between nothing runs, so that there is nothing to close. Calls go on meanwhile, however many functions there are.
 */
export function createMetrics(source: MetricsSource): () => Promise<string> {
  return async () => {
    const [functions, totals] = await Promise.all([source.stats(), source.totals()]);
    const parts = FUNCTION_FAMILIES.map((family) => [headOf(family)]);
    for (const some of inParts(functions)) {
      for (const [index, family] of FUNCTION_FAMILIES.entries()) {
        const values = some.flatMap((stats) => family.values(stats));
        if (values.length > 0) parts[index]!.push(flat(linesOf(family, values)));
      }
      await setImmediate();
    }
    const texts = parts.map((each) => each.join(""));
    for (const family of ROUTER_FAMILIES) texts.push(headOf(family) + linesOf(family, family.values(totals)));
    for (const family of PROCESS_FAMILIES) {
      const own = { labels: {}, value: family.read() };
      const others = [...(source.processes?.() ?? [])].map(([worker, metrics]) => {
        return { labels: { worker }, value: metrics[family.name] };
      });
      const values = [own, ...others].filter((each): each is Value => each.value !== undefined);
      texts.push(headOf(family) + linesOf(family, values));
    }
    return texts.join("\n");
  };
}

function* inParts(functions: Iterable<FunctionStats>): Iterable<FunctionStats[]> {
  let some: FunctionStats[] = [];
  for (const stats of functions) {
    if (some.push(stats) < FUNCTIONS_AT_A_TIME) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** The same text in one piece: what was added up piece by piece is put together now, not all at once at the end. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
