import { checkSubscriptionSpec } from "../../../platform/events/check-subscription.ts";
import { SUBSCRIPTION_KIND } from "../../../platform/events/kinds.ts";
import type { SubscriptionSpec } from "../../../platform/events/subscription-spec.ts";
import { startOf } from "../../../store/places.ts";
import { allObjects } from "../../files/all-objects.ts";
import type { Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { type DeclaredKind, missingFlow, missingFunction } from "./declared-kind.ts";

const EVENTS_WAIT = "Its events wait for it, until their retry.maxAge.";

export const SUBSCRIPTIONS: DeclaredKind = {
  kind: SUBSCRIPTION_KIND,
  noun: "subscription",
  plural: "subscriptions",
  check: checkSubscriptionSpec,

  warnings(services, spec) {
    const { function: target } = spec as unknown as SubscriptionSpec;
    return missingFunction(services, target, EVENTS_WAIT);
  },

  putWarnings(services, spec) {
    const { flow } = spec as unknown as SubscriptionSpec;
    return missingFlow(services, flow, EVENTS_WAIT);
  },

  async states(services, declared) {
    const [topics, calls] = [requirePart(services, "topics"), requirePart(services, "calls")];
    const [stats, totals] = await Promise.all([topics.stats(), calls.totals()]);
    return new Map(
      declared.map(({ name, spec }) => {
        const { topic, group = name, paused = false } = spec as unknown as SubscriptionSpec;
        const place = stats.find((each) => each.topic === topic)?.groups.find((each) => each.group === group);
        const queue = totals.find((each) => each.queue === `sub/${name}`);
        const { waiting = 0, running = 0, done = 0, dead = 0, attempts = 0 } = queue ?? {};
        const { position = null, lag = null } = place ?? {};
        return [name, { group, position, lag, paused, waiting, running, done, dead, attempts }];
      }),
    );
  },

  /** An event that is published after the answer belongs to the group. */
  async afterPut(services, name, spec) {
    if (services.store === undefined) return;
    const place = startOf(name, spec as unknown as SubscriptionSpec, services.keys.now());
    await requirePart(services, "topics").join(place);
  },
};

/** The subscriptions whose spec is valid, in order of name. */
export async function validSubscriptions(services: Pick<Services, "platform">) {
  const all = await allSubscriptions(services);
  return all.filter(({ spec }) => checkSubscriptionSpec(spec).length === 0);
}

/** The subscriptions in order of name. Their specs may not be valid. */
export async function allSubscriptions({ platform }: Pick<Services, "platform">) {
  const all = await allObjects(platform, SUBSCRIPTIONS);
  return all.map(({ name, spec }) => ({ name, spec: spec as unknown as SubscriptionSpec }));
}
