import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { MetricFamily } from "./metric-family.ts";

interface ProcessFamily extends MetricFamily {
  /** Undefined where the system does not tell. */
  readonly read: () => number | undefined;
}

/**
 * What an operator watches of a process, under the names that Prometheus' clients use. Only what can be
 * read at a glance: prom-client's own collection also starts observers that nothing could stop again.
 */
export const PROCESS_FAMILIES: readonly ProcessFamily[] = [
  {
    name: "process_cpu_seconds_total",
    help: "Time of all processors that the process has used.",
    type: "counter",
    labels: ["worker"],
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    },
  },
  {
    name: "process_resident_memory_bytes",
    help: "Memory of the process, without that of instances.",
    type: "gauge",
    labels: ["worker"],
    read: () => process.memoryUsage.rss(),
  },
  {
    name: "process_start_time_seconds",
    help: "When the process started, in seconds since 1970.",
    type: "gauge",
    labels: ["worker"],
    read: () => performance.timeOrigin / 1_000,
  },
  {
    name: "process_open_fds",
    help: "Files and connections that are open (Linux).",
    type: "gauge",
    labels: ["worker"],
    read: openFiles,
  },
  {
    name: "nodejs_heap_size_used_bytes",
    help: "Memory of JavaScript objects.",
    type: "gauge",
    labels: ["worker"],
    read: () => process.memoryUsage().heapUsed,
  },
  {
    name: "nodejs_eventloop_active_seconds_total",
    help: "Time that the event loop was busy; near one second per second the process is at its limit.",
    type: "counter",
    labels: ["worker"],
    read: () => performance.eventLoopUtilization().active / 1_000,
  },
];

/** Metrics of a process by name; without what the system does not tell. */
export type ProcessMetrics = Readonly<Record<string, number>>;

export function readProcessMetrics(): ProcessMetrics {
  const values = PROCESS_FAMILIES.map(({ name, read }) => [name, read()] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
