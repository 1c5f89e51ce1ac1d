import { type Family, group, type MetricFamily, type Metrics } from "../../metrics/metrics.ts";
import { POOL_FAMILIES, type PoolStats } from "../../metrics/pool-metrics.ts";
import { PROCESS_FAMILIES, type ProcessMetrics, readProcessMetrics } from "../../metrics/process-metrics.ts";
import { FUNCTION_FAMILIES } from "./function-metrics.ts";
import type { FunctionStats, RouterTotals } from "./stats.ts";

/** Where the metrics are read: a router, or the process that adds up the counters of several routers. */
export interface MetricsSource {
  stats(): Iterable<FunctionStats> | Promise<Iterable<FunctionStats>>;
  totals(): RouterTotals | Promise<RouterTotals>;
  /** Metrics of other processes that answer calls, by their value of the label `worker`. */
  processes?(): Iterable<readonly [worker: string, metrics: ProcessMetrics]>;
}

/** Counters of a router as a whole. */
const ROUTER_FAMILIES: readonly Family<RouterTotals>[] = [
  {
    name: "skiff_requests_refused_total",
    help: "Requests rejected before their function was known, by problem code.",
    type: "counter",
    labels: ["code"],
    samples: ({ unrouted }) => Object.entries(unrouted).map(([code, value]) => ({ value, labels: { code } })),
  },
  {
    name: "skiff_access_log_dropped_total",
    help: "Access log lines dropped because the sink was too slow.",
    type: "counter",
    labels: [],
    samples: ({ logLinesDropped }) => [{ value: logLinesDropped, labels: {} }],
  },
  {
    name: "skiff_spans_dropped_total",
    help: "Spans dropped because too many were queued or the receiver failed.",
    type: "counter",
    labels: [],
    samples: ({ spansDropped }) => [{ value: spansDropped, labels: {} }],
  },
];

/** All families that exist; tests check docs/observability.md and the dashboard against them. */
export const FAMILIES: readonly MetricFamily[] = [
  ...FUNCTION_FAMILIES,
  ...ROUTER_FAMILIES,
  ...POOL_FAMILIES,
  ...PROCESS_FAMILIES,
];

/** Adds all families, for a process that answers calls. `pool` is undefined on a platform without a pool. */
export function addRouterMetrics(
  metrics: Metrics,
  source: MetricsSource,
  pool: () => PoolStats | undefined = () => undefined,
): void {
  metrics.add(async () => {
    const [functions, totals] = await Promise.all([source.stats(), source.totals()]);
    const workers = [...(source.processes?.() ?? [])].map(([worker, metrics]) => ({ worker, metrics }));
    return [
      group(FUNCTION_FAMILIES, functions),
      group(ROUTER_FAMILIES, [totals]),
      group(
        POOL_FAMILIES,
        [pool()].filter((stats) => stats !== undefined),
      ),
      group(PROCESS_FAMILIES, [{ metrics: readProcessMetrics() }, ...workers]),
    ];
  });
}
