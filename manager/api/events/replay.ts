import type { SubscriptionSpec } from "../../../platform/events/subscription-spec.ts";
import { Problem } from "../../../platform/problems.ts";
import { startOf } from "../../../store/places.ts";
import type { Topics } from "../../../store/topics.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { requireValid } from "./declarations.ts";
import { placeBefore, readStart } from "./event-start.ts";
import { SUBSCRIPTIONS } from "./subscriptions.ts";

/** `POST /subscription/NAME/replay?from=`: the group goes on at an earlier or later event of its topic. */
export function replaySubscription(services: Services): Handler {
  const { now } = services.keys;
  return async (ctx) => {
    refusePrecondition(ctx);
    const { from } = readParameters(ctx, { from: (text, name) => readStart(text, name, now()) });
    if (from === undefined) {
      const detail = "Say from where: from=earliest, latest, a time, a duration before now or a position.";
      throw new Problem("invalid_request", detail);
    }
    const name = ctx.params.name!;
    const { spec } = await requireValid(services, SUBSCRIPTIONS, name);
    const topics = requirePart(services, "topics");
    const place = startOf(name, spec as unknown as SubscriptionSpec, now());
    const { topic, group } = place;
    const position = await placeBefore(topics, topic, from);
    if (!(await topics.move(topic, group, position))) {
      await topics.join(place);
      await topics.move(topic, group, position);
    }
    const lag = await lagOf(topics, topic, group);
    ctx.state.audited = { target: `subscription/${name}`, detail: `from ${ctx.query.from}: ${lag} events` };
    answerJson(ctx, { topic, group, position, lag });
  };
}

async function lagOf(topics: Topics, topic: string, group: string): Promise<number> {
  const own = (await topics.stats()).find((each) => each.topic === topic);
  return own?.groups.find((each) => each.group === group)?.lag ?? 0;
}
