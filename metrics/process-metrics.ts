import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Family, MetricFamily } from "./metrics.ts";

/** Metrics of a process by name, without those that its system does not have. */
export type ProcessMetrics = Readonly<Record<string, number>>;

export interface ProcessSample {
  /** The number of another process that answers calls; undefined for the process that is scraped. */
  readonly worker?: string;
  readonly metrics: ProcessMetrics;
}

interface Reader extends Omit<MetricFamily, "labels"> {
  /** Undefined where the system does not tell. */
  readonly read: () => number | undefined;
}

/** Numbers that can be read without an observer: an observer of the event loop or of collections would have to be stopped. */
const READERS: readonly Reader[] = [
  {
    name: "process_cpu_seconds_total",
    help: "User and system CPU time of the process.",
    type: "counter",
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    },
  },
  {
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process, without that of instances.",
    type: "gauge",
    read: () => process.memoryUsage.rss(),
  },
  {
    name: "process_start_time_seconds",
    help: "Start time of the process, in seconds since 1970.",
    type: "gauge",
    read: () => performance.timeOrigin / 1_000,
  },
  {
    name: "process_open_fds",
    help: "Open file descriptors (Linux).",
    type: "gauge",
    read: openFiles,
  },
  {
    name: "nodejs_heap_size_used_bytes",
    help: "JavaScript heap in use.",
    type: "gauge",
    read: () => process.memoryUsage().heapUsed,
  },
  {
    name: "nodejs_eventloop_active_seconds_total",
    help: "Time that the event loop was busy; at one second per second the process is saturated.",
    type: "counter",
    read: () => performance.eventLoopUtilization().active / 1_000,
  },
];

/** The metrics of a process, under the names that Prometheus clients use. */
export const PROCESS_FAMILIES: readonly Family<ProcessSample>[] = READERS.map(({ name, help, type }) => ({
  name,
  help,
  type,
  labels: ["worker"],
  samples: ({ worker, metrics }) => {
    const value = metrics[name];
    return value === undefined ? [] : [{ value, labels: worker === undefined ? {} : { worker } }];
  },
}));

/** Reads the metrics of this process. */
export function readProcessMetrics(): ProcessMetrics {
  const values = READERS.map(({ name, read }) => [name, read()] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
