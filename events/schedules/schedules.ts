import type { FiringCounts } from "../../metrics/event-families.ts";
import { readDeclaredFlow } from "../../platform/declared-flows/declared-flow.ts";
import { cronSchedules, flowOfTrigger } from "../../platform/declared-flows/triggers.ts";
import { followDeclarations } from "../../platform/events/follow-declarations.ts";
import { SCHEDULE_KIND } from "../../platform/events/kinds.ts";
import { FLOW_KIND } from "../../platform/flows/kinds.ts";
import type { Endpoints } from "../../platform/platform.ts";
import { followTriggers } from "../flow-triggers.ts";
import type { EventServices, EventsPart } from "../services.ts";
import { functionOf, type Scheduled, scheduledCalls, scheduledOf, scheduledRuns } from "./scheduled.ts";
import { Scheduler } from "./scheduler.ts";

/** A platform that has just started may not know all functions yet. */
const UNKNOWN_FOR_MS = 60_000;

/** Fires what `Schedule` declarations, the setting `cron` of functions and the triggers of flows ask for. */
export function createSchedules(services: EventServices): EventsPart {
  const { platform, store, print, now, random } = services;
  const startedAt = now();
  let delays: FiringCounts = { count: 0, sumMs: 0, lastMs: 0 };
  const scheduler = new Scheduler({
    ...{ store, print, now, random },
    retryOf: (name) => platform.endpoints(name)?.retry,
    async isGone(timer) {
      const flow = flowOfTrigger(timer);
      if (flow !== undefined) return isGoneFrom(flow, timer, services);
      const owner = functionOf(timer);
      if (owner === undefined) {
        const declared = await platform.declarations.get(SCHEDULE_KIND, timer);
        return declared === undefined || typeof scheduledOf(declared) === "string";
      }
      return platform.endpoints(owner.name) !== undefined || now() - startedAt > UNKNOWN_FOR_MS;
    },
    onFired(lateMs) {
      delays = { count: delays.count + 1, sumMs: delays.sumMs + lateMs, lastMs: lateMs };
    },
  });
  const followed = followDeclarations(platform.declarations, SCHEDULE_KIND, (name, declared) => {
    const scheduled = declared === undefined ? undefined : scheduledOf(declared);
    if (typeof scheduled === "object") return scheduler.put(scheduled);
    if (scheduled !== undefined) print(`the schedule "${name}" fires nothing: ${scheduled}`);
    scheduler.remove(name);
  });
  const crons = new Map<string, readonly Scheduled[]>();
  const flows = followTriggers(services, (name, flow) => {
    if (flow === "unclear") return;
    const before = crons.get(name) ?? [];
    const scheduled = flow === undefined ? [] : scheduledRuns(flow);
    if (scheduled.length === 0) crons.delete(name);
    else crons.set(name, scheduled);
    for (const each of scheduled) scheduler.put(each);
    for (const each of before.slice(scheduled.length)) scheduler.remove(each.name);
  });
  const functions = new FunctionTimes(scheduler);
  const stopWatching = platform.watch((name, endpoints) => functions.change(name, endpoints));
  for (const endpoints of platform.allEndpoints()) functions.change(endpoints.name, endpoints);
  let isClosed = false;
  void Promise.all([followed.loaded, flows.loaded]).then((reasons) => {
    if (isClosed) return;
    for (const reason of reasons)
      if (reason !== undefined) print(`not all schedules could be read: ${reason}`);
    scheduler.start();
  });
  return {
    delays: () => delays,
    async close() {
      isClosed = true;
      followed.close();
      flows.close();
      stopWatching();
      await scheduler.close();
    },
  };
}

/** A flow without a valid text may have the timer: its last valid text is not known. */
async function isGoneFrom(
  flow: string,
  timer: string,
  { platform, limits }: Pick<EventServices, "platform" | "limits">,
): Promise<boolean> {
  const declared = await platform.declarations.get(FLOW_KIND, flow);
  const read = declared && (await readDeclaredFlow(declared, limits));
  if (read === undefined) return true;
  return "definition" in read && !cronSchedules(read.definition).some(({ name }) => name === timer);
}

/** Follows the setting `cron` of functions, whose endpoints change with each of their instances. */
class FunctionTimes {
  readonly #scheduler: Scheduler;
  readonly #crons = new Map<string, readonly string[]>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  change(name: string, endpoints: Endpoints | undefined): void {
    const cron = endpoints?.cron ?? [];
    const before = this.#crons.get(name) ?? [];
    if (cron.length === before.length && cron.every((each, index) => each === before[index])) return;
    if (cron.length === 0) this.#crons.delete(name);
    else this.#crons.set(name, cron);
    const scheduled = scheduledCalls({ name, cron });
    for (const each of scheduled) this.#scheduler.put(each);
    for (let index = cron.length; index < before.length; index++)
      this.#scheduler.remove(`fn/${name}/${index}`);
  }
}
