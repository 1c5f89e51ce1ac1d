import type { Family, Sample } from "../../metrics/metrics.ts";
import { DURATION_BUCKETS_MS, type FunctionStats } from "./stats.ts";

const FUNCTION = ["function"];

/** Counters by function. The series of a function end when it is removed. */
export const FUNCTION_FAMILIES: readonly Family<FunctionStats>[] = [
  {
    name: "skiff_calls_total",
    help: "Answered calls by function, version and status class.",
    type: "counter",
    labels: ["function", "version", "status"],
    samples: ({ name, versions }) =>
      versions.flatMap(({ version, answered }) =>
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
    samples: ({ name, refused }) =>
      Object.entries(refused).map(([code, value]) => ({ value, labels: { function: name, code } })),
  },
  {
    name: "skiff_calls_abandoned_total",
    help: "Calls whose client disconnected before the response.",
    type: "counter",
    labels: FUNCTION,
    samples: ({ name, abandoned }) => [{ value: abandoned, labels: { function: name } }],
  },
  {
    name: "skiff_call_retries_total",
    help: "Retries after an instance did not accept the connection.",
    type: "counter",
    labels: FUNCTION,
    samples: ({ name, retries }) => [{ value: retries, labels: { function: name } }],
  },
  {
    name: "skiff_call_wait_seconds_total",
    help: "Time that calls waited for an instance.",
    type: "counter",
    labels: FUNCTION,
    samples: ({ name, waitedMs }) => [{ value: waitedMs / 1_000, labels: { function: name } }],
  },
  {
    name: "skiff_cold_starts_total",
    help: "Calls that found no instance and woke the function.",
    type: "counter",
    labels: FUNCTION,
    samples: ({ name, coldStarts }) => [{ value: coldStarts, labels: { function: name } }],
  },
  {
    name: "skiff_wake_step_seconds_total",
    help: "Time that cold starts spent in each step, by function.",
    type: "counter",
    labels: ["function", "step"],
    samples: ({ name, wakeStepMs }) =>
      Object.entries(wakeStepMs).map(([step, ms]) => ({
        value: ms / 1_000,
        labels: { function: name, step },
      })),
  },
  {
    name: "skiff_calls_in_flight",
    help: "Calls that instances are processing.",
    type: "gauge",
    labels: FUNCTION,
    samples: ({ name, inFlight }) => [{ value: inFlight, labels: { function: name } }],
  },
  {
    name: "skiff_calls_waiting",
    help: "Calls that wait for an instance.",
    type: "gauge",
    labels: FUNCTION,
    samples: ({ name, waiting }) => [{ value: waiting, labels: { function: name } }],
  },
  {
    name: "skiff_instances_ready",
    help: "Ready instances of functions that were called since the router started.",
    type: "gauge",
    labels: FUNCTION,
    samples: ({ name, ready }) => [{ value: ready, labels: { function: name } }],
  },
  {
    name: "skiff_call_duration_seconds",
    help: "Time from the arrival of a call to the end of its response.",
    type: "histogram",
    labels: FUNCTION,
    samples: durations,
  },
];

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
