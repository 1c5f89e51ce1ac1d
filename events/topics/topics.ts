/** Topics: events come in, wait in the store, and go out to subscriptions as calls. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Callers } from "../../http/access/callers.ts";
import { answerError } from "../../http/problem-answer.ts";
import { retryPolicyOf } from "../../platform/events/check-retry.ts";
import { followDeclarations } from "../../platform/events/follow-declarations.ts";
import { SUBSCRIPTION_KIND, TOPIC_KIND } from "../../platform/events/kinds.ts";
import { DELIVERY_RETRY, retryPolicy } from "../../platform/events/retry-policy.ts";
import { newCallId } from "../../store/call-id.ts";
import { startOf } from "../../store/places.ts";
import { followTriggers } from "../flow-triggers.ts";
import type { EventServices, EventsPart } from "../services.ts";
import { deliveryOf, queueOf } from "./delivery/deliveries.ts";
import { chooseMember, type Subscription, Turns } from "./delivery/groups.ts";
import { Orphans } from "./delivery/orphans.ts";
import { Pump } from "./delivery/pump.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Publisher } from "./publisher.ts";
import { effectsOf } from "./replies/answers.ts";
import { Waiters } from "./replies/waiters.ts";
import { Gateway } from "./requests/gateway.ts";
import { TopicAccess } from "./requests/topic-access.ts";
import { TopicRequests } from "./requests/topic-requests.ts";
import { TopicTable } from "./topic-table.ts";

/** Longest wait for what the first round of housekeeping finds, in milliseconds. */
const FIRST_ROUND_MS = 2_000;
const TOPIC = /^(?:https?:\/\/[^/?#]*)?\/topic\/([^/?]+)(\/call)?\/?(?:\?(.*))?$/i;

/** Resolves when the declared topics and subscriptions are known. */
export async function createTopics(services: EventServices): Promise<EventsPart> {
  const { store, changes, platform, isShared, limits, print, now, random } = services;
  const { topics, calls, bodies } = store;
  const newId = () => newCallId(now(), random);
  const table = new TopicTable();
  const turns = new Turns();
  const policy = ({ spec }: Subscription) => {
    const retry = spec.function === undefined ? undefined : platform.endpoints(spec.function)?.retry;
    return retryPolicyOf(spec.retry, retryPolicy(retry, DELIVERY_RETRY));
  };
  const pump = new Pump({
    topics,
    calls,
    changes,
    isShared,
    print,
    now,
    start: ({ members: [first] }) => startOf(first!.name, first!.spec, now()),
    deliveries: (group, events) =>
      events.flatMap((event) => {
        const member = chooseMember(group, event, turns);
        return member === undefined
          ? []
          : deliveryOf(event, member, { group: group.name, now: now(), newId, policy });
      }),
  });
  const waiters = new Waiters({ topics, changes, isShared });
  const orphans = new Orphans({ store, table, keepMs: limits.topicAgeMs, policy, newId, now });
  const isCurrent = async () => (await Promise.all(followed.map((each) => each.isCurrent()))).every(Boolean);
  const housekeeping = new Housekeeping({ topics, table, orphans, isCurrent, limits, now, print });
  const publisher = new Publisher({ topics, bodies, table, pump, waiters, limits, now, newId });
  const parts = { services, table, publisher, access: new TopicAccess(new Callers(services)) };
  const [requests, gateway] = [new TopicRequests(parts), new Gateway(parts)];

  let isLoaded = false;
  const changed = (...names: readonly string[]) => {
    // Of every one: each is an orphan or is not.
    if (names.map((name) => orphans.changed(name)).includes(true)) housekeeping.wake();
    if (!isLoaded) return;
    pump.set(table.groups());
    // Their deliveries may rest no longer.
    changes.emit("calls");
  };
  const followed = [
    followDeclarations(platform.declarations, TOPIC_KIND, (name, declared) => {
      const fault = table.setTopic(name, declared?.spec);
      if (fault !== undefined) print(`the new spec of the topic ${name} has no effect: ${fault}`);
    }),
    followDeclarations(platform.declarations, SUBSCRIPTION_KIND, (name, declared) => {
      const fault = table.setSubscription(name, declared?.spec);
      if (fault !== undefined) print(`the new spec of the subscription ${name} has no effect: ${fault}`);
      changed(name);
    }),
    followTriggers(services, (name, flow) => changed(...table.setFlow(name, flow))),
  ];
  for (const reason of await Promise.all(followed.map(({ loaded }) => loaded)))
    if (reason !== undefined) print(`topics and subscriptions are not known yet: ${reason}`);
  isLoaded = true;
  pump.set(table.groups());
  // A store that is away does not keep requests from their answer.
  await Promise.race([housekeeping.start(), pause(FIRST_ROUND_MS, undefined, { ref: false })]);

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const [, topic, isCall, query] = TOPIC.exec(request.url!) ?? [];
    if (topic === undefined) await gateway.answer(request, response);
    else if (isCall === undefined) await requests.publish(request, response, topic);
    else await requests.call(request, response, { topic, query: new URLSearchParams(query) });
  };
  return {
    handler: (request, response) => {
      answer(request, response).catch((error: unknown) => answerError(response, error, print));
    },
    deliveries: {
      ended: (end) =>
        effectsOf(end, {
          bodies,
          mostBytes: (topic) => table.mostBytes(topic, limits),
          resultBytes: limits.resultBytes,
          replyTo: (name) => table.subscription(name)?.spec.replyTo,
          now,
        }),
      resting: () => {
        const paused = [...table.subscriptions()].filter(({ spec }) => spec.paused === true);
        return [...paused.map(({ name }) => queueOf(name)), ...orphans.queues()];
      },
      limits: () =>
        [...table.subscriptions()].flatMap(({ name, spec: { concurrency } }) =>
          concurrency === undefined ? [] : [[queueOf(name), concurrency] as const],
        ),
      functions: () =>
        [...table.subscriptions()].flatMap(({ name, spec }) =>
          spec.function === undefined ? [] : [[queueOf(name), spec.function] as const],
        ),
    },
    async close() {
      for (const each of followed) each.close();
      await Promise.all([pump.close(), housekeeping.close()]);
    },
  };
}
