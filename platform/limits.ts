import { totalmem } from "node:os";
import { parseBytes, parseDurationMs } from "./quantity.ts";

/** Bounds of one Skiff installation. */
export type Limits = Readonly<Record<keyof typeof LIMITS, number>>;

/** The variable, unit, default and meaning of each limit; a test compares docs/limits.md with these rows. */
export const LIMITS = {
  sourceBytes: ["SKIFF_MAX_SOURCE", "bytes", "20Mi", "size of a posted source"],
  specBytes: ["SKIFF_MAX_SPEC", "bytes", "256Ki", "spec of a declaration"],
  secretBytes: ["SKIFF_MAX_SECRET", "bytes", "64Ki", "value of a secret"],
  callBodyBytes: ["SKIFF_MAX_BODY", "bytes", "100Mi", "body of a call"],
  headerBytes: ["SKIFF_MAX_HEADERS", "bytes", "32Ki", "header block of a request"],
  waitingCalls: ["SKIFF_MAX_WAITING", "count", "1000", "calls waiting per function"],
  instanceWaitMs: ["SKIFF_INSTANCE_WAIT", "duration", "30s", "wait of a call for an instance"],
  streamIdleMs: ["SKIFF_STREAM_IDLE", "duration", "5m", "idle time of a stream or WebSocket"],
  uploadMs: ["SKIFF_UPLOAD_TIMEOUT", "duration", "30m", "time to receive the body of a call"],
  instancesPerFunction: ["SKIFF_MAX_INSTANCES", "count", "10", "largest and default `max` of a function"],
  pageSize: ["SKIFF_PAGE_SIZE", "count", "100", "functions listed per page"],
  keys: ["SKIFF_MAX_KEYS", "count", "1000", "keys of the API"],
  attempts: ["SKIFF_MAX_ATTEMPTS", "count", "20", "wrong keys and tokens per address and minute"],
  versionsKept: ["SKIFF_VERSIONS_KEPT", "count", "20", "versions kept per function"],
  buildMs: ["SKIFF_BUILD_TIMEOUT", "duration", "60s", "time of a build"],
  buildMemoryBytes: ["SKIFF_BUILD_MEMORY", "bytes", "512Mi", "memory of a build"],
  buildCacheBytes: ["SKIFF_BUILD_CACHE", "bytes", "2Gi", "packages and modules kept on disk for builds"],
  startMs: ["SKIFF_START_TIMEOUT", "duration", "30s", "time to start an instance"],
  drainMs: ["SKIFF_DRAIN", "duration", "10s", "time to drain calls at shutdown"],
  logAgeMs: ["SKIFF_LOG_AGE", "duration", "168h", "age of kept log lines"],
  logBytes: ["SKIFF_LOG_BYTES", "bytes", "64Mi", "log lines kept per function"],
  queuedCalls: ["SKIFF_MAX_QUEUED", "count", "100000", "asynchronous calls waiting per function"],
  resultBytes: ["SKIFF_MAX_RESULT", "bytes", "10Mi", "kept answer of an asynchronous call"],
  callAgeMs: ["SKIFF_CALL_AGE", "duration", "168h", "age of records of asynchronous calls"],
  eventCalls: ["SKIFF_EVENT_CALLS", "count", "256", "calls that a worker of events runs at a time"],
  eventCallsEach: [
    "SKIFF_EVENT_CALLS_EACH",
    "count",
    "32",
    "of these, calls of one function or subscription",
  ],
  eventBytes: ["SKIFF_MAX_EVENT", "bytes", "1Mi", "size of an event"],
  topicAgeMs: ["SKIFF_TOPIC_AGE", "duration", "168h", "age of kept events"],
  topicBytes: ["SKIFF_TOPIC_BYTES", "bytes", "1Gi", "events kept per topic"],
  flowSteps: ["SKIFF_FLOW_STEPS", "count", "1000", "steps of a flow"],
  flowItems: ["SKIFF_FLOW_ITEMS", "count", "10000", "items of `each`, and iterations of `while`"],
  flowOutputBytes: ["SKIFF_FLOW_OUTPUT", "bytes", "10Mi", "output of a step that expressions can read"],
  flowDepth: ["SKIFF_FLOW_DEPTH", "count", "10", "flows within flows"],
  liveRuns: ["SKIFF_MAX_RUNS", "count", "100000", "runs of a flow that have not ended"],
  runAgeMs: ["SKIFF_RUN_AGE", "age", "720h", "age of runs that ended"],
  runsKept: ["SKIFF_RUNS_KEPT", "count", "100000", "runs kept per flow that ended"],
  flowCalls: ["SKIFF_FLOW_CALLS", "count", "256", "calls that an engine of flows makes at a time"],
  flowRuns: ["SKIFF_FLOW_RUNS", "count", "1000", "runs that an engine of flows has at a time"],
  scratchBytes: ["SKIFF_SCRATCH", "bytes", "256Mi", "scratch folder of an instance, part of its memory"],
  processes: ["SKIFF_PROCESSES", "count", "256", "processes and threads of an instance of a program"],
  pullMs: ["SKIFF_PULL_TIMEOUT", "duration", "5m", "time to pull an image"],
  execMs: ["SKIFF_EXEC_TIMEOUT", "duration", "60s", "run of a command"],
  execOutputBytes: ["SKIFF_EXEC_OUTPUT", "bytes", "100Mi", "output of a command"],
  execMemoryBytes: ["SKIFF_EXEC_MEMORY", "bytes", "256Mi", "largest and default memory of a command"],
  execsAtOnce: ["SKIFF_EXEC_AT_ONCE", "count", "10", "commands that a manager runs at a time"],
  pushBytes: ["SKIFF_MAX_PUSH", "bytes", "256Mi", "size of a push to a git repository"],
  repositoryBytes: ["SKIFF_MAX_REPOSITORY", "bytes", "1Gi", "size of a git repository"],
  gitMs: ["SKIFF_GIT_TIMEOUT", "duration", "10m", "time of a git request"],
  gitAtOnce: ["SKIFF_GIT_AT_ONCE", "count", "10", "requests of git that a manager serves at a time"],
  memoryBytes: ["SKIFF_MEMORY", "memory", "75%", "memory of all instances together (one machine)"],
} as const;

/** A longer timer of Node fires at once. */
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
    /** A duration for which no timer runs. */
    age: parseDurationMs,
    count: (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
    /** Bytes, or a share of the machine's memory such as `75%`. */
    memory: (text: string) => parseShare(text, machineBytes) ?? parseBytes(text),
  };
  const limits = Object.entries(LIMITS).map(([key, [variable, unit, fallback]]) => {
    const text = env[variable] || fallback;
    const value = parse[unit](text);
    const isDuration = unit === "duration";
    if (value === undefined || value < 1 || (isDuration && value > LONGEST_MS)) {
      const range = isDuration ? "1 ms and at most 24 days" : "1";
      throw new Error(
        `${variable}=${text} cannot be read: use a ${unit === "age" ? "duration" : unit} of at least ${range}, such as ${fallback}.`,
      );
    }
    return [key, value];
  });
  return Object.fromEntries(limits) as Limits;
}

function parseShare(text: string, whole: number): number | undefined {
  const percent = /^(\d{1,2}|100)%$/.exec(text)?.[1];
  return percent === undefined ? undefined : Math.floor((whole * Number(percent)) / 100);
}

/** Returns the memory of the machine, or the limit of this process's control group if that is less. */
function machineMemoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}
