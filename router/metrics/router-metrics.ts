import type { MetricFamily, Value } from "./metric-family.ts";
import type { RouterTotals } from "./stats.ts";

interface RouterFamily extends MetricFamily {
  readonly values: (totals: RouterTotals) => Value[];
}

/** What is counted of a router as a whole. */
export const ROUTER_FAMILIES: readonly RouterFamily[] = [
  {
    name: "skiff_requests_refused_total",
    help: "Requests that were refused before their function was known, by code of the problem.",
    type: "counter",
    labels: ["code"],
    values: ({ unrouted }) => Object.entries(unrouted).map(([code, value]) => ({ value, labels: { code } })),
  },
  {
    name: "skiff_access_log_dropped_total",
    help: "Lines of the access log that were dropped because they could not be written fast enough.",
    type: "counter",
    labels: [],
    values: ({ logLinesDropped }) => [{ value: logLinesDropped, labels: {} }],
  },
  {
    name: "skiff_spans_dropped_total",
    help: "Spans that were not exported: too many at a time, or the receiver failed.",
    type: "counter",
    labels: [],
    values: ({ spansDropped }) => [{ value: spansDropped, labels: {} }],
  },
  {
    name: "skiff_pool_total",
    help: "Times that the pool was asked for a ready instance, by how that ended (Kubernetes).",
    type: "counter",
    labels: ["outcome"],
    values: ({ pool }) =>
      Object.entries(pool?.outcomes ?? {}).map(([outcome, value]) => ({ value, labels: { outcome } })),
  },
  {
    name: "skiff_pool_free",
    help: "Ready instances of no function that wait in the pool (Kubernetes).",
    type: "gauge",
    labels: [],
    values: ({ pool }) => (pool === undefined ? [] : [{ value: pool.free, labels: {} }]),
  },
];
