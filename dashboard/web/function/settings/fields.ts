import type { Settings } from "../described.ts";
import type { SettingGroup } from "./setting.ts";

const HOUR_MS = 3_600_000;
const isDeno = ({ runtime }: Settings) => runtime === "deno";
const isImage = ({ runtime }: Settings) => runtime === "image";
const isProgram = ({ runtime }: Settings) => runtime === "program";
const hasCommand = (settings: Settings) => !isDeno(settings);
const isDestroyed = ({ isolation }: Settings) => isolation === "call";

/** The settings of the page Settings; access and schedules have pages of their own. See docs/settings.md. */
export const SETTINGS: readonly SettingGroup[] = [
  {
    title: "Instances",
    settings: [
      {
        path: "min",
        label: "Fewest instances",
        kind: "count",
        range: [0, 1_000],
        hint: "They always run. With 0 an idle function stops, and its next call starts one. Default 0.",
      },
      {
        path: "max",
        label: "Most instances",
        kind: "count",
        range: [1, 1_000],
        hint: "From 1 to 1000. Default 10.",
      },
      {
        path: "concurrency",
        label: "Calls of one instance",
        kind: "count",
        range: [1, 10_000],
        hint: "At the same time, from 1 to 10000. Default 100.",
      },
      {
        path: "memoryMiB",
        query: "memory",
        label: "Memory of one instance, in MiB",
        kind: "mib",
        range: [64, 65_536],
        hint: "From 64 to 65536. Default 128.",
      },
      {
        path: "idleMs",
        query: "idle",
        label: "Idle time",
        kind: "duration",
        range: [100, 24 * HOUR_MS],
        hint: "Without a call for so long, a function with 0 fewest instances stops. 100ms to 24h. Default 5m.",
      },
      {
        path: "isolation",
        label: "Isolation",
        kind: "choice",
        options: ["instance", "call"],
        hint: "instance: an instance takes many calls. call: it takes one and is destroyed.",
      },
      {
        path: "pool",
        label: "Unused instances kept ready",
        kind: "count",
        hint: "While the function is awake, at most as many as the most instances. Default 1.",
        isFor: isDestroyed,
      },
      {
        path: "runtimeClass",
        query: "runtime-class",
        label: "RuntimeClass of pods",
        kind: "text",
        hint: "On Kubernetes alone, such as gvisor. Empty for that of the cluster.",
        example: "gvisor",
      },
    ],
  },
  {
    title: "Calls",
    settings: [
      {
        path: "timeoutMs",
        query: "timeout",
        label: "Timeout",
        kind: "duration",
        range: [100, HOUR_MS],
        hint: "Until the response starts, waiting included. 100ms to 1h. Default 1m.",
      },
      {
        path: "retry.attempts",
        query: "attempts",
        label: "Attempts of an asynchronous call",
        kind: "count",
        range: [1, 100],
        hint: "The first one included, from 1 to 100. Default 5.",
        example: "5",
      },
      {
        path: "retry.backoffMs",
        query: "backoff",
        label: "Longest wait after the first attempt",
        kind: "duration",
        range: [0, HOUR_MS / 12],
        hint: "It doubles with each attempt. 0ms to 5m. Default 1s.",
        example: "1s",
      },
      {
        path: "retry.maxAgeMs",
        query: "max-age",
        label: "Oldest call that is tried again",
        kind: "duration",
        range: [1_000, 168 * HOUR_MS],
        hint: "1s to 168h. Default 6h.",
        example: "6h",
      },
      {
        path: "retry.on",
        query: "retry-on",
        label: "Outcomes that are tried again",
        kind: "lines",
        hint: "Statuses from 400, 4xx, 5xx and connection, one a line. Default 408, 425, 429, 5xx, connection.",
        example: "5xx\nconnection",
      },
    ],
  },
  {
    title: "Network and system",
    settings: [
      {
        path: "permissions.net",
        query: "net",
        label: "Network destinations",
        kind: "lines",
        hint: "public, host names, addresses or ranges, each with an optional :port, one a line. Empty opens nothing.",
        example: "no destination",
        empty: [],
      },
      {
        path: "permissions.sys",
        query: "sys",
        label: "System information",
        kind: "lines",
        hint: "hostname osRelease osUptime loadavg networkInterfaces systemMemoryInfo cpus uid gid, one a line.",
        isFor: isDeno,
      },
    ],
  },
  {
    title: "Start",
    settings: [
      {
        path: "entry",
        label: "Main module",
        kind: "text",
        hint: "Its path in the source. Empty if the source determines it. Another one builds the source again.",
        example: "src/main.ts",
        isFor: isDeno,
      },
      {
        path: "program.command",
        query: "command",
        label: "Command",
        kind: "words",
        hint: "Split as a shell does. Empty for that of the source.",
        example: "python3 app.py",
        isFor: hasCommand,
      },
      {
        path: "program.mode",
        query: "mode",
        label: "Mode",
        kind: "choice",
        options: ["", "call", "serve"],
        hint: "call: each call starts the program. serve: it speaks HTTP on $PORT. Empty for the default.",
        isFor: hasCommand,
      },
      {
        path: "program.cgi",
        query: "cgi",
        label: "The output begins with a status and headers, as in CGI",
        kind: "flag",
        hint: "Needs the mode call.",
        isFor: isProgram,
      },
      {
        path: "program.handler",
        query: "handler",
        label: "Handler",
        kind: "text",
        hint: "file.function of a handler (event, context) in Node or Python, instead of a command.",
        example: "hello.handler",
        isFor: isProgram,
      },
      {
        path: "pullSecret",
        query: "pull-secret",
        label: "Secret for its registry",
        kind: "text",
        hint: "A secret user:password with which the image is pulled.",
        isFor: isImage,
      },
    ],
  },
];

export const ACCESS: readonly SettingGroup[] = [
  {
    title: "Who may call it",
    settings: [
      {
        path: "access",
        label: "Access",
        kind: "choice",
        options: ["public", "key", "internal"],
        hint: "public: everybody. key: callers with a key. internal: schedules, topics and flows alone.",
      },
      {
        path: "hosts",
        label: "Host names",
        kind: "lines",
        hint: "At whose root the function is served, one a line. They must point to Skiff.",
        example: "app.example.com",
      },
    ],
  },
  {
    title: "Quota",
    settings: [
      {
        path: "quota.rate",
        query: "rate",
        label: "Rate",
        kind: "text",
        hint: "Calls in a time: 100/s, 10/m, 5000/h or 9/d. Empty for no limit.",
        example: "100/s",
      },
      {
        path: "quota.burst",
        query: "burst",
        label: "Burst",
        kind: "count",
        hint: "Calls that may come at once after a pause. Default: the calls of one second.",
      },
      {
        path: "quota.inFlight",
        query: "inflight",
        label: "Calls at the same time",
        kind: "count",
        hint: "Waiting ones included. Empty for no limit.",
      },
      {
        path: "quota.perMonth",
        query: "monthly",
        label: "Calls in a month",
        kind: "count",
        hint: "In a calendar month of UTC. Empty for no limit.",
      },
    ],
  },
];

export const CRON: readonly SettingGroup[] = [
  {
    title: "Times of the function",
    settings: [
      {
        path: "cron",
        label: "Cron expressions",
        kind: "lines",
        hint: "One a line, at most 10, in UTC or with TZ=Europe/Berlin in front. They belong to the version: a rollback changes them.",
        example: "0 3 * * *\n@every 90s",
      },
    ],
  },
];
