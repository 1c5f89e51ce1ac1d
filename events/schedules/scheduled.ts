import type { Declared } from "../../platform/declarations.ts";
import { cronSchedules } from "../../platform/declared-flows/triggers.ts";
import { checkScheduleSpec } from "../../platform/events/check-schedule.ts";
import { type CronText, splitZone } from "../../platform/events/cron.ts";
import type { ScheduleSpec } from "../../platform/events/schedule-spec.ts";
import { faultText } from "../../platform/events/spec-check.ts";
import type { Endpoints } from "../../platform/platform.ts";
import { parseDurationMs } from "../../platform/quantity.ts";
import type { ScheduleTarget } from "../../store/scheduled.ts";
import type { TriggeredFlow } from "../flow-triggers.ts";

/** A schedule, from a declaration, from the setting `cron` of a function or from the triggers of a flow. */
export interface Scheduled extends ScheduleTarget {
  readonly text: CronText;
  /** Everything that its times depend on, as the timer has it. */
  readonly rule: string;
  readonly jitterMs: number;
  readonly missed: NonNullable<ScheduleSpec["missed"]>;
  readonly isPaused: boolean;
  /** From which `@every` counts, in milliseconds since 1970. Undefined: from when its timer is set. */
  readonly anchor: number | undefined;
}

/**
 * Returns the schedule of a declaration, whose spec nobody may have checked.
 * @returns a text that says what is wrong with it
 */
export function scheduledOf({ name, spec, createdAt }: Declared): Scheduled | string {
  const faults = checkScheduleSpec(spec);
  if (faults.length > 0) return faultText(faults);
  return scheduledBy({ name, spec: spec as unknown as ScheduleSpec }, createdAt);
}

/** Returns the schedules of the triggers of a flow. */
export function scheduledRuns(flow: TriggeredFlow): Scheduled[] {
  return cronSchedules(flow).map((each) => scheduledBy(each, flow.createdAt));
}

function scheduledBy(
  { name, spec }: { readonly name: string; readonly spec: ScheduleSpec },
  createdAt: Date,
): Scheduled {
  const { cron, timeZone, jitter, missed = "once", paused = false, ...target } = spec;
  const text = { cron: cron.trim(), timeZone };
  const jitterMs = jitter === undefined ? 0 : parseDurationMs(jitter)!;
  return {
    ...{ name, ...target },
    ...{ text, jitterMs, missed, isPaused: paused, anchor: createdAt.getTime() },
    rule: ruleOf(text, { jitterMs, isPaused: paused }),
  };
}

/** Returns the schedules of a function's setting `cron`, by the names of their timers. */
export function scheduledCalls({ name, cron = [] }: Pick<Endpoints, "name" | "cron">): Scheduled[] {
  return cron.map((entry, index) => {
    const text = splitZone(entry);
    const plain = { jitterMs: 0, isPaused: false };
    const rule = ruleOf(text, plain);
    return {
      ...{ name: `fn/${name}/${index}`, call: { function: name } },
      ...{ text, rule, ...plain, missed: "once", anchor: undefined },
    };
  });
}

/** Returns the function whose setting a timer is of, and the index in it; undefined for one of a declaration. */
export function functionOf(timer: string): { readonly name: string; readonly index: number } | undefined {
  const [, name, index] = /^fn\/([^/]+)\/(\d+)$/.exec(timer) ?? [];
  return name === undefined ? undefined : { name, index: Number(index) };
}

function ruleOf({ cron, timeZone = "UTC" }: CronText, more: { jitterMs: number; isPaused: boolean }): string {
  const jitter = more.jitterMs === 0 ? "" : ` jitter ${more.jitterMs} ms`;
  return `${cron} ${timeZone}${jitter}${more.isPaused ? " paused" : ""}`;
}
