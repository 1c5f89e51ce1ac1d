import { nextTimes, parseCron, splitZone } from "../../../platform/events/cron.ts";
import type { Firing, Timers } from "../../../store/timers.ts";
import { lastFiring, NEXT_TIMES } from "../events/schedules.ts";

/** One `cron` of a function. */
export interface FunctionSchedule {
  /** Such as `fn/report/0`: the parameter `schedule` of `GET /call`. */
  readonly schedule: string;
  readonly cron: string;
  readonly next: readonly Date[];
  readonly lastAt?: Date;
  readonly lastOutcome?: Firing["outcome"];
}

/** Returns the times of the setting `cron` of a function, as far as its timers are set. */
export async function functionSchedules(
  timers: Timers,
  { name, cron }: { readonly name: string; readonly cron: readonly string[] },
  now: number,
): Promise<readonly FunctionSchedule[]> {
  const found = cron.map(async (entry, index) => {
    const schedule = `fn/${name}/${index}`;
    const [timer, last] = await Promise.all([timers.get(schedule), lastFiring(timers, schedule)]);
    if (timer === undefined) return [];
    const times = nextTimes(parseCron(splitZone(entry), timer.anchor), now, NEXT_TIMES);
    return [{ schedule, cron: entry, next: times.map((at) => new Date(at)), ...last }];
  });
  return (await Promise.all(found)).flat();
}
