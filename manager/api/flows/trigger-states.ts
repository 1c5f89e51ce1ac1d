import { cronSchedules, topicSubscriptions } from "../../../platform/declared-flows/triggers.ts";
import { nextTimes, parseCron } from "../../../platform/events/cron.ts";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { lastRunFiring, NEXT_TIMES } from "../events/schedules.ts";
import type { Services } from "../services.ts";
import { fromStore, requirePart } from "../store.ts";

type Document = Readonly<Record<string, unknown>>;
type On = Pick<FlowDefinition, "flow" | "on">;

/**
 * Returns the triggers of a flow as its description shows them: the next times, and what the store has of them.
 * Undefined without triggers that Skiff fires.
 */
export async function triggerStates(
  services: Services,
  definition: On,
  createdAt: Date,
): Promise<Document | undefined> {
  const [schedules, subscriptions] = [cronSchedules(definition), topicSubscriptions(definition)];
  if (schedules.length === 0 && subscriptions.length === 0) return undefined;
  const read = await fromStore(services, () =>
    Promise.all([
      subscriptions.length === 0 ? [] : topicStates(services, definition),
      Promise.all(schedules.map(({ name }) => lastRunFiring(services, name))),
    ]),
  );
  const [topics, last] = "found" in read ? read.found : [[], []];
  const now = services.keys.now();
  return {
    topics: subscriptions.map(({ name, spec: { topic } }, index) => ({ name, topic, ...topics[index] })),
    crons: schedules.map(({ name, spec: { cron, timeZone } }, index) => {
      const next = nextTimes(parseCron({ cron, timeZone }, createdAt.getTime()), now, NEXT_TIMES);
      return { name, cron, next: next.map((at) => new Date(at)), ...last[index] };
    }),
  };
}

async function topicStates(services: Services, definition: On): Promise<readonly Document[]> {
  const [stats, totals] = await Promise.all([
    requirePart(services, "topics").stats(),
    requirePart(services, "calls").totals(),
  ]);
  return topicSubscriptions(definition).map(({ name, spec: { topic, group } }) => {
    const place = stats.find((each) => each.topic === topic)?.groups.find((each) => each.group === group);
    const queue = totals.find((each) => each.queue === `sub/${name}`);
    const { waiting = 0, running = 0, done = 0, dead = 0 } = queue ?? {};
    return { lag: place?.lag ?? null, waiting, running, done, dead };
  });
}
