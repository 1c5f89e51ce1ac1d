import type { FunctionDescription } from "../../../platform/platform.ts";
import { addDurations, quantileMs } from "../../../platform/usage/durations.ts";
import type { QueueTotals } from "../../../store/calls.ts";
import type { UsageMinute } from "../../../store/store.ts";
import { GUARD } from "../../usage/guards.ts";
import type { ManagerStore, Services } from "../services.ts";
import { fromStore, requireStore } from "../store.ts";
import { type FunctionSchedule, functionSchedules } from "./function-schedules.ts";
import { liveVersions } from "./live-versions.ts";
import { rounded } from "./rounded.ts";

const HOUR_MS = 3_600_000;
const MOST_FAILURES = 5;
const MOST_DEPLOYS = 5;
/** Entries of the guard in which its last rollback and its last refusal are searched. */
const MOST_ENTRIES = 100;

/** What happened to a function, as far as it is kept. Lists have the newest last. */
export interface History {
  readonly lastHour?: LastHour;
  readonly lastFailures?: readonly Failure[];
  readonly lastRollback?: { readonly at: Date; readonly reason: string };
  /** When the guard failed last and could not take the version back. */
  readonly lastRefusal?: { readonly at: Date; readonly reason: string };
  /** Asynchronous calls. */
  readonly async?: Pick<QueueTotals, "waiting" | "running" | "dead">;
  /** Times of the setting `cron`. */
  readonly schedules?: readonly FunctionSchedule[];
  /** Why the members above are missing. */
  readonly noHistory?: string;
  readonly usedInMonth?: number;
}

interface LastHour {
  readonly calls: number;
  readonly errors: number;
  /** Of the versions that have traffic now. */
  readonly liveCalls: number;
  readonly liveErrors: number;
  /** Absent without calls. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
}

interface Failure {
  readonly at: Date;
  readonly callId: string | undefined;
  readonly version: number | undefined;
  readonly status: number | undefined;
  readonly text: string;
}

type Described = Pick<FunctionDescription, "name" | "settings" | "traffic">;

/** Reads what the store has about a function. A store that cannot be reached takes two seconds at most. */
export async function historyOf(services: Services, described: Described, now: Date): Promise<History> {
  const read = await fromStore(services, () => readHistory(requireStore(services), described, now));
  return "found" in read ? read.found : { noHistory: read.missing };
}

/** Returns the newest versions, oldest first, with who deployed them and why. */
export async function lastDeploys({ platform }: Services, name: string) {
  const records = (await platform.listVersions(name)) ?? [];
  return records
    .toSorted((a, b) => a.version - b.version)
    .slice(-MOST_DEPLOYS)
    .map(({ version, createdAt, note }) => ({ version, at: createdAt, ...note }));
}

async function readHistory(store: ManagerStore, described: Described, now: Date): Promise<History> {
  const { usage, audit, logs, calls, timers } = store;
  const { name, settings, traffic } = described;
  const { cron } = settings;
  const since = new Date(now.getTime() - HOUR_MS);
  const [minutes, month, entries, failures, totals, schedules] = await Promise.all([
    usage.minutes(name, since),
    usage.month(now),
    audit.list({ of: { action: GUARD, target: name }, limit: MOST_ENTRIES }),
    logs === undefined ? [] : Array.fromAsync(logs.read(name, { status: "5xx", tail: MOST_FAILURES, since })),
    calls?.totals(),
    timers && cron.length > 0 ? functionSchedules(timers, { name, cron }, now.getTime()) : undefined,
  ]);
  const queue = totals?.find((each) => each.queue === `fn/${name}`);
  const { waiting = 0, running = 0, dead = 0 } = queue ?? {};
  const rollback = entries.find(({ status }) => status < 400);
  const refusal = entries.find(({ status }) => status >= 400);
  return {
    lastHour: lastHourOf(minutes, liveVersions(traffic)),
    lastFailures: failures.map(({ at, callId, version, status, text }) => ({
      at,
      callId,
      version,
      status,
      text,
    })),
    ...(rollback === undefined ? {} : { lastRollback: { at: rollback.at, reason: rollback.detail } }),
    ...(refusal === undefined ? {} : { lastRefusal: { at: refusal.at, reason: refusal.detail } }),
    ...(totals === undefined ? {} : { async: { waiting, running, dead } }),
    ...(schedules === undefined ? {} : { schedules }),
    usedInMonth: month.functions[name] ?? 0,
  };
}

function lastHourOf(minutes: readonly UsageMinute[], live: ReadonlySet<number>): LastHour {
  let [calls, errors, liveCalls, liveErrors] = [0, 0, 0, 0];
  let durations: number[] = [];
  for (const minute of minutes) {
    calls += minute.calls;
    errors += minute.errors;
    if (live.has(minute.version)) {
      liveCalls += minute.calls;
      liveErrors += minute.errors;
    }
    durations = addDurations(durations, minute.durations);
  }
  const [p50Ms, p95Ms] = [quantileMs(durations, 0.5), quantileMs(durations, 0.95)];
  const counts = { calls, errors, liveCalls, liveErrors };
  if (p50Ms === undefined || p95Ms === undefined) return counts;
  return { ...counts, p50Ms: rounded(p50Ms), p95Ms: rounded(p95Ms) };
}
