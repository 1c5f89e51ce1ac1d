import { type Metric, type MetricValue, Registry } from "prom-client";
import { PROCESS_FAMILIES } from "./process-metrics.ts";
import type { Router } from "./router.ts";
import { DURATION_BUCKETS_MS, type FunctionStats } from "./stats.ts";

type Value = MetricValue<string> & { metricName?: string };

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
}

interface Family extends Described {
  readonly values: (stats: FunctionStats) => Value[];
}

const FAMILIES: readonly Family[] = [
  {
    name: "skiff_calls_total",
    help: "Answered calls by function and class of status.",
    type: "counter",
    values: ({ name, answered }) =>
      answered.flatMap((value, index) =>
        value === 0 ? [] : [{ value, labels: { function: name, status: `${index}xx` } }],
      ),
  },
  {
    name: "skiff_calls_refused_total",
    help: "Calls that the router answered itself, by function and code of the problem.",
    type: "counter",
    values: ({ name, refused }) =>
      [...refused].map(([code, value]) => ({ value, labels: { function: name, code } })),
  },
  {
    name: "skiff_calls_abandoned_total",
    help: "Calls whose client left before there was an answer.",
    type: "counter",
    values: ({ name, abandoned }) => [{ value: abandoned, labels: { function: name } }],
  },
  {
    name: "skiff_cold_starts_total",
    help: "Times that a call found no instance and the function was woken.",
    type: "counter",
    values: ({ name, coldStarts }) => [{ value: coldStarts, labels: { function: name } }],
  },
  {
    name: "skiff_wake_step_seconds_total",
    help: "Time that cold starts took, by function and step, where the platform tells its steps.",
    type: "counter",
    values: ({ name, wakeStepMs }) =>
      [...wakeStepMs].map(([step, ms]) => ({ value: ms / 1_000, labels: { function: name, step } })),
  },
  {
    name: "skiff_calls_in_flight",
    help: "Calls that instances are working on.",
    type: "gauge",
    values: ({ name, inFlight }) => [{ value: inFlight, labels: { function: name } }],
  },
  {
    name: "skiff_calls_waiting",
    help: "Calls that wait for an instance.",
    type: "gauge",
    values: ({ name, waiting }) => [{ value: waiting, labels: { function: name } }],
  },
  {
    name: "skiff_instances_ready",
    help: "Instances that calls can go to, of functions that were called since the router started.",
    type: "gauge",
    values: ({ name, ready }) => [{ value: ready, labels: { function: name } }],
  },
  {
    name: "skiff_call_duration_seconds",
    help: "Time from a call's arrival to the end of its answer.",
    type: "histogram",
    values: durations,
  },
];

/**
 * The metrics of a router and of its process, as Prometheus text. Numbers are read when they are asked for;
 * in between nothing runs, so that there is nothing to close.
 */
export function createMetrics(router: Router): () => Promise<string> {
  const registry = new Registry();
  for (const { values, ...described } of FAMILIES) {
    register(registry, described, () => [...router.stats()].flatMap(values));
  }
  for (const { read, ...described } of PROCESS_FAMILIES) {
    register(registry, described, () => {
      const value = read();
      return value === undefined ? [] : [{ value, labels: {} }];
    });
  }
  return () => registry.metrics();
}

/** The registry needs no more of a metric than this; its own classes would count a second time. */
function register(registry: Registry, described: Described, values: () => Value[]): void {
  const get = async () => ({ ...described, aggregator: "sum", values: values() });
  registry.registerMetric({
    name: described.name,
    help: described.help,
    get,
    reset: () => {},
  } as unknown as Metric);
}

/** Buckets of Prometheus are cumulative, those of the router are not. */
function durations({ name, durationCounts, durationSumMs }: FunctionStats): Value[] {
  const labels = { function: name };
  let sum = 0;
  const buckets = durationCounts.map((count, index) => {
    sum += count;
    const bound = DURATION_BUCKETS_MS[index];
    const le = bound === undefined ? "+Inf" : bound / 1_000;
    return { value: sum, labels: { ...labels, le }, metricName: "skiff_call_duration_seconds_bucket" };
  });
  return [
    ...buckets,
    { value: durationSumMs / 1_000, labels, metricName: "skiff_call_duration_seconds_sum" },
    { value: sum, labels, metricName: "skiff_call_duration_seconds_count" },
  ];
}
