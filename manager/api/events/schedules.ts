import { checkScheduleSpec } from "../../../platform/events/check-schedule.ts";
import { nextTimes, parseCron } from "../../../platform/events/cron.ts";
import { SCHEDULE_KIND } from "../../../platform/events/kinds.ts";
import type { ScheduleSpec } from "../../../platform/events/schedule-spec.ts";
import type { Timers } from "../../../store/timers.ts";
import type { Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { type DeclaredKind, missingFlow, missingFunction } from "./declared-kind.ts";
import { runFirings } from "./run-firings.ts";
import { findTopic } from "./topics.ts";

/** Times that a description shows. */
export const NEXT_TIMES = 10;

const CALLS_WAIT = "Each of its calls waits for it for 5 min.";

export const SCHEDULES: DeclaredKind = {
  kind: SCHEDULE_KIND,
  noun: "schedule",
  plural: "schedules",
  check: checkScheduleSpec,

  more({ spec, createdAt }, now) {
    const { cron, timeZone, paused = false } = spec as unknown as ScheduleSpec;
    if (paused) return { next: [] };
    const rule = parseCron({ cron, timeZone }, createdAt.getTime());
    return { next: nextTimes(rule, now, NEXT_TIMES).map((at) => new Date(at)) };
  },

  warnings(services, spec) {
    const { call } = spec as unknown as ScheduleSpec;
    return missingFunction(services, call?.function, CALLS_WAIT);
  },

  async putWarnings(services, spec) {
    const { event, run } = spec as unknown as ScheduleSpec;
    if (run !== undefined) return missingFlow(services, run.flow, CALLS_WAIT);
    if (event === undefined || (await findTopic(services, event.topic)) !== undefined) return [];
    const what = `Nobody has declared the topic "${event.topic}", and nobody subscribes to it.`;
    return [`${what} Its events are kept for a later subscription with "from: earliest".`];
  },

  async states(services, declared) {
    const timers = requirePart(services, "timers");
    const states = declared.map(async ({ name, spec }) => {
      const { paused = false, run } = spec as unknown as ScheduleSpec;
      const [timer, last] = await Promise.all([
        timers.get(name),
        run === undefined ? lastFiring(timers, name) : lastRunFiring(services, name),
      ]);
      const next = paused || timer?.dueAt === undefined ? null : new Date(timer.dueAt);
      return [name, { paused, nextAt: next, ...last }] as const;
    });
    return new Map(await Promise.all(states));
  },
};

/** Returns what became of the last time, as descriptions show it. Undefined if there was none. */
export async function lastFiring(timers: Pick<Timers, "firings">, name: string) {
  const [last] = await timers.firings(name, { limit: 1 });
  return last && { lastAt: new Date(last.at), lastOutcome: last.outcome };
}

/** As `lastFiring`, of a schedule that begins runs. */
export async function lastRunFiring(services: Pick<Services, "store">, name: string) {
  const firings = await requirePart(services, "timers").firings(name, { limit: 1 });
  const [last] = await runFirings(services, firings);
  return last && { lastAt: new Date(last.at), lastOutcome: last.outcome };
}
