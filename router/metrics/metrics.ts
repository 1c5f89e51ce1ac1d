import {
  GUARD_FAMILIES,
  type GuardStats,
  POOL_FAMILIES,
  type PoolStats,
  PROCESS_FAMILIES,
  type ProcessMetrics,
  readProcessMetrics,
} from "../../metrics/families.ts";
import {
  type Family,
  group,
  type MetricFamily,
  type Metrics,
  type Sample,
  single,
  tally,
  typeOf,
} from "../../metrics/metrics.ts";
import { DURATION_BUCKETS_MS, type FunctionStats, type RouterTotals } from "./stats.ts";

/** The source of metrics: a router, or the process that adds up the counters of several routers. */
export interface MetricsSource {
  stats(): Iterable<FunctionStats> | Promise<Iterable<FunctionStats>>;
  totals(): RouterTotals | Promise<RouterTotals>;
  /** Metrics of other processes that answer calls, by their value of the label `worker`. */
  processes?(): Iterable<readonly [worker: string, metrics: ProcessMetrics]>;
}

/** Counters by function. The series of a function end when it is removed. */
const FUNCTION_FAMILIES: readonly Family<FunctionStats>[] = [
  {
    name: "skiff_calls_total",
    help: "Answered calls by function, version and status class.",
    type: "counter",
    labels: ["function", "version", "status"],
    samples: ({ name, versions }) =>
      Object.entries(versions).flatMap(([version, answered]) =>
        answered.flatMap((value, index) =>
          value === 0 ? [] : [{ value, labels: { function: name, version, status: `${index}xx` } }],
        ),
      ),
  },
  {
    name: "skiff_calls_refused_total",
    help: "Calls that the router answered with a problem, by function and problem code.",
    type: "counter",
    labels: ["function", "code"],
    samples: ({ name, refused }) => tally("code", refused, { function: name }),
  },
  value("skiff_calls_abandoned_total", "Calls whose client disconnected before the response.", "abandoned"),
  value("skiff_call_retries_total", "Retries after an instance did not accept the connection.", "retries"),
  value("skiff_call_wait_seconds_total", "Time that calls waited for an instance.", "waitedS"),
  value("skiff_cold_starts_total", "Calls that found no instance and woke the function.", "coldStarts"),
  {
    name: "skiff_wake_step_seconds_total",
    help: "Time that cold starts spent in each step, by function.",
    type: "counter",
    labels: ["function", "step"],
    samples: ({ name, wakeStepS }) => tally("step", wakeStepS, { function: name }),
  },
  value("skiff_calls_in_flight", "Calls that instances are processing.", "inFlight"),
  value("skiff_calls_waiting", "Calls that wait for an instance.", "waiting"),
  value(
    "skiff_instances_ready",
    "Ready instances of functions that were called since the router started.",
    "ready",
  ),
  {
    name: "skiff_call_pool_unused",
    help: "Unused ready instances of functions with isolation=call that were called since the router started.",
    type: "gauge",
    labels: ["function"],
    samples: ({ name, pool }) =>
      pool === undefined ? [] : [{ value: pool.unused, labels: { function: name } }],
  },
  {
    name: "skiff_call_pool_misses_total",
    help: "Calls of functions with isolation=call that found no unused instance.",
    type: "counter",
    labels: ["function"],
    samples: ({ name, pool }) =>
      pool === undefined ? [] : [{ value: pool.misses, labels: { function: name } }],
  },
  {
    name: "skiff_call_duration_seconds",
    help: "Time from the arrival of a call to the end of its response.",
    type: "histogram",
    labels: ["function"],
    samples: durations,
  },
];

const ROUTER_FAMILIES: readonly Family<RouterTotals>[] = [
  {
    name: "skiff_requests_refused_total",
    help: "Requests rejected before their function was known, or because they ended early, by problem code.",
    type: "counter",
    labels: ["code"],
    samples: ({ unrouted }) => tally("code", unrouted),
  },
  single(
    "skiff_access_log_dropped_total",
    "Access log lines dropped because the sink was too slow.",
    ({ logLinesDropped }) => logLinesDropped,
  ),
  single(
    "skiff_spans_dropped_total",
    "Spans dropped because too many were queued or the receiver failed.",
    ({ spansDropped }) => spansDropped,
  ),
];

/** All families that exist; tests check docs/observability.md and the dashboard against them. */
export const FAMILIES: readonly MetricFamily[] = [
  ...FUNCTION_FAMILIES,
  ...ROUTER_FAMILIES,
  ...POOL_FAMILIES,
  ...GUARD_FAMILIES,
  ...PROCESS_FAMILIES,
];

/** Counters that not every process has. */
export interface MoreMetrics {
  readonly pool?: (() => PoolStats | undefined) | undefined;
  readonly guards?: () => GuardStats;
}

/** Adds all families, for a process that answers calls. */
export function addRouterMetrics(
  metrics: Metrics,
  source: MetricsSource,
  { pool, guards }: MoreMetrics = {},
): void {
  metrics.add(async () => {
    const [functions, totals] = await Promise.all([source.stats(), source.totals()]);
    const workers = [...(source.processes?.() ?? [])].map(([worker, metrics]) => ({ worker, metrics }));
    const pools = [pool?.()].filter((stats) => stats !== undefined);
    return [
      group(FUNCTION_FAMILIES, functions),
      group(ROUTER_FAMILIES, [totals]),
      group(POOL_FAMILIES, pools),
      group(GUARD_FAMILIES, guards === undefined ? [] : [guards()]),
      group(PROCESS_FAMILIES, [{ metrics: readProcessMetrics() }, ...workers]),
    ];
  });
}

/** Returns a family with one value per function, which `key` names. */
function value(
  name: string,
  help: string,
  key: "abandoned" | "retries" | "waitedS" | "coldStarts" | "inFlight" | "waiting" | "ready",
): Family<FunctionStats> {
  const samples = (stats: FunctionStats) => [{ value: stats[key], labels: { function: stats.name } }];
  return { name, help, type: typeOf(name), labels: ["function"], samples };
}

/** Adds up the buckets: those of Prometheus are cumulative, those of the router are not. */
function durations({ name, durationCounts, durationSumMs }: FunctionStats): Sample[] {
  const labels = { function: name };
  let sum = 0;
  const buckets = durationCounts.map((count, index) => {
    sum += count;
    const bound = DURATION_BUCKETS_MS[index];
    const le = bound === undefined ? "+Inf" : bound / 1_000;
    return { value: sum, labels: { ...labels, le }, part: "_bucket" as const };
  });
  return [
    ...buckets,
    { value: durationSumMs / 1_000, labels, part: "_sum" },
    { value: sum, labels, part: "_count" },
  ];
}
