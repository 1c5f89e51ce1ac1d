import { topicsOfFlow } from "../../../platform/declared-flows/triggers.ts";
import { topicsOf } from "../../../platform/events/subscription-spec.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { allObjects } from "../../files/all-objects.ts";
import type { Services } from "../services.ts";
import { validSubscriptions } from "./subscriptions.ts";

/**
 * Returns the topics that valid subscriptions and flows name. They take events, whether or not somebody declares them.
 * @param except a flow that does not count
 */
export async function namedTopics(
  services: Pick<Services, "platform" | "flows">,
  except?: string,
): Promise<ReadonlySet<string>> {
  const [subscriptions, flows] = await Promise.all([
    validSubscriptions(services),
    allObjects(services.platform, { kind: FLOW_KIND }),
  ]);
  const names = new Set(subscriptions.flatMap(({ spec }) => topicsOf(spec)));
  for (const declared of flows) {
    if (declared.name === except) continue;
    const read = await services.flows.read(declared);
    if ("faults" in read) continue;
    const { triggers, waits, publishes } = topicsOfFlow(read.definition);
    for (const topic of [...triggers, ...waits, ...publishes]) names.add(topic);
  }
  return names;
}
