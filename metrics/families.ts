/** The families that the programs of Skiff share. */
import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { type Family, single, tally, typeOf } from "./metrics.ts";

/** Counters of the pool of ready instances. */
export interface PoolStats {
  readonly outcomes: Readonly<Record<string, number>>;
  /** Unassigned instances in the pool now. */
  readonly free: number;
}

export const POOL_FAMILIES: readonly Family<PoolStats>[] = [
  {
    name: "skiff_pool_total",
    help: "Pool claims by outcome (Kubernetes).",
    type: "counter",
    labels: ["outcome"],
    samples: ({ outcomes }) => tally("outcome", outcomes),
  },
  single("skiff_pool_free", "Unassigned ready pods in the pool (Kubernetes).", ({ free }) => free),
];

/** Counters of the guards of traffic. */
export interface GuardStats {
  readonly rollbacks: number;
}

export const GUARD_FAMILIES: readonly Family<GuardStats>[] = [
  single(
    "skiff_guard_rollbacks_total",
    "Versions that lost their traffic because their guard did not hold (one machine, or the leading manager).",
    ({ rollbacks }) => rollbacks,
  ),
];

/** Metrics of a process by name, without those that its system does not have. */
export type ProcessMetrics = Readonly<Record<string, number>>;

export interface ProcessSample {
  /** The number of another process that answers calls; undefined for the process that is scraped. */
  readonly worker?: string;
  readonly metrics: ProcessMetrics;
}

/** Name, help and how to read the value without an observer, which would have to be stopped. */
const READERS: readonly (readonly [name: string, help: string, read: () => number | undefined])[] = [
  ["process_cpu_seconds_total", "User and system CPU time of the process.", cpuSeconds],
  [
    "process_resident_memory_bytes",
    "Resident memory of the process, without that of instances.",
    () => process.memoryUsage.rss(),
  ],
  [
    "process_start_time_seconds",
    "Start time of the process, in seconds since 1970.",
    () => performance.timeOrigin / 1_000,
  ],
  ["process_open_fds", "Open file descriptors (Linux).", openFiles],
  ["nodejs_heap_size_used_bytes", "JavaScript heap in use.", () => process.memoryUsage().heapUsed],
  [
    "nodejs_eventloop_active_seconds_total",
    "Time that the event loop was busy; at one second per second the process is saturated.",
    () => performance.eventLoopUtilization().active / 1_000,
  ],
];

/** The metrics of a process, under the names that Prometheus clients use. */
export const PROCESS_FAMILIES: readonly Family<ProcessSample>[] = READERS.map(([name, help]) => ({
  name,
  help,
  type: typeOf(name),
  labels: ["worker"],
  samples: ({ worker, metrics }) => {
    const value = metrics[name];
    return value === undefined ? [] : [{ value, labels: worker === undefined ? {} : { worker } }];
  },
}));

export function readProcessMetrics(): ProcessMetrics {
  const values = READERS.map(([name, , read]) => [name, read()] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

/** Returns undefined where the system has no `/proc`. */
function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
