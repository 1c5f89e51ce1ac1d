import { totalmem } from "node:os";
import { parseBytes, parseDurationMs } from "./quantity.ts";

/** Bounds of one Skiff installation. Every one can be set by its environment variable. */
export interface Limits {
  readonly sourceBytes: number;
  readonly specBytes: number;
  readonly callBodyBytes: number;
  readonly headerBytes: number;
  readonly waitingCalls: number;
  readonly instanceWaitMs: number;
  readonly streamIdleMs: number;
  readonly uploadMs: number;
  readonly instancesPerFunction: number;
  readonly pageSize: number;
  readonly versionsKept: number;
  readonly buildMs: number;
  readonly buildMemoryBytes: number;
  readonly buildCacheBytes: number;
  readonly startMs: number;
  readonly drainMs: number;
  readonly scratchBytes: number;
  readonly memoryBytes: number;
}

interface LimitRow {
  readonly env: string;
  /** `memory`: bytes, or a share of what the machine or its control group allows. */
  readonly unit: "bytes" | "duration" | "count" | "memory";
  readonly value: string;
  readonly about: string;
}

/** The defaults; a test checks docs/limits.md against these rows. */
export const LIMITS: Readonly<Record<keyof Limits, LimitRow>> = {
  sourceBytes: { env: "SKIFF_MAX_SOURCE", unit: "bytes", value: "20Mi", about: "size of a posted source" },
  specBytes: {
    env: "SKIFF_MAX_SPEC",
    unit: "bytes",
    value: "256Ki",
    about: "spec of a declaration",
  },
  callBodyBytes: { env: "SKIFF_MAX_BODY", unit: "bytes", value: "100Mi", about: "body of a call" },
  headerBytes: { env: "SKIFF_MAX_HEADERS", unit: "bytes", value: "32Ki", about: "header block of a request" },
  waitingCalls: {
    env: "SKIFF_MAX_WAITING",
    unit: "count",
    value: "1000",
    about: "calls waiting per function",
  },
  instanceWaitMs: {
    env: "SKIFF_INSTANCE_WAIT",
    unit: "duration",
    value: "30s",
    about: "wait of a call for an instance",
  },
  streamIdleMs: {
    env: "SKIFF_STREAM_IDLE",
    unit: "duration",
    value: "5m",
    about: "silence on a stream or WebSocket",
  },
  uploadMs: {
    env: "SKIFF_UPLOAD_TIMEOUT",
    unit: "duration",
    value: "30m",
    about: "time that the body of a call may take",
  },
  instancesPerFunction: {
    env: "SKIFF_MAX_INSTANCES",
    unit: "count",
    value: "10",
    about: "instances per function (largest and default `max`)",
  },
  pageSize: { env: "SKIFF_PAGE_SIZE", unit: "count", value: "100", about: "functions listed per page" },
  versionsKept: {
    env: "SKIFF_VERSIONS_KEPT",
    unit: "count",
    value: "20",
    about: "versions kept per function",
  },
  buildMs: { env: "SKIFF_BUILD_TIMEOUT", unit: "duration", value: "60s", about: "time of a build" },
  buildMemoryBytes: {
    env: "SKIFF_BUILD_MEMORY",
    unit: "bytes",
    value: "512Mi",
    about: "memory of a build",
  },
  buildCacheBytes: {
    env: "SKIFF_BUILD_CACHE",
    unit: "bytes",
    value: "2Gi",
    about: "packages and modules kept on the disk for builds",
  },
  startMs: {
    env: "SKIFF_START_TIMEOUT",
    unit: "duration",
    value: "30s",
    about: "time of an instance to become ready",
  },
  drainMs: {
    env: "SKIFF_DRAIN",
    unit: "duration",
    value: "10s",
    about: "time that calls have to finish at shutdown",
  },
  scratchBytes: {
    env: "SKIFF_SCRATCH",
    unit: "bytes",
    value: "256Mi",
    about: "scratch folder of an instance, part of its memory",
  },
  memoryBytes: {
    env: "SKIFF_MEMORY",
    unit: "memory",
    value: "75%",
    about: "memory of all instances together (one machine)",
  },
};

/** A timer of Node that is set for longer fires at once. */
const LONGEST_MS = 24 * 86_400_000;

/**
 * @param machineBytes memory that this process may use
 * @throws Error naming the variable whose value cannot be read
 */
export function limitsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  machineBytes = machineMemoryBytes(),
): Limits {
  const parse = {
    bytes: parseBytes,
    duration: parseDurationMs,
    count: parseCount,
    memory: (text: string) => parseShare(text, machineBytes) ?? parseBytes(text),
  };
  const limits: Partial<Record<keyof Limits, number>> = {};
  for (const [key, row] of Object.entries(LIMITS) as [keyof Limits, LimitRow][]) {
    const text = env[row.env] || row.value;
    const value = parse[row.unit](text);
    if (value === undefined || value < 1 || (row.unit === "duration" && value > LONGEST_MS)) {
      throw new Error(
        `${row.env}=${text} cannot be read: give a ${row.unit} of at least 1${row.unit === "duration" ? " ms and at most 24 days" : ""}, such as ${row.value}.`,
      );
    }
    limits[key] = value;
  }
  return limits as Limits;
}

/** `75%` of `whole`. */
function parseShare(text: string, whole: number): number | undefined {
  const percent = /^(\d{1,2}|100)%$/.exec(text)?.[1];
  return percent === undefined ? undefined : Math.floor((whole * Number(percent)) / 100);
}

/** What the machine has, or the control group of this process allows if that is less. */
function machineMemoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

function parseCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
