import { checkScheduleSpec } from "../../platform/events/check-schedule.ts";
import { checkSubscriptionSpec } from "../../platform/events/check-subscription.ts";
import { checkTopicSpec } from "../../platform/events/check-topic.ts";
import { cronFault } from "../../platform/events/cron.ts";
import { SCHEDULE_KIND, SUBSCRIPTION_KIND, TOPIC_KIND } from "../../platform/events/kinds.ts";
import type { ScheduleSpec } from "../../platform/events/schedule-spec.ts";
import { faultText, type SpecFault } from "../../platform/events/spec-check.ts";
import type { SubscriptionSpec } from "../../platform/events/subscription-spec.ts";
import type { Verdict } from "../../platform/events/verdict.ts";
import type { QueueTotals } from "../../store/calls.ts";
import type { Firing, Timer } from "../../store/timers.ts";
import type { TopicStats } from "../../store/topics.ts";

/** What verdicts depend on besides the declaration. */
export interface EventState {
  readonly topics: ReadonlyMap<string, TopicStats>;
  readonly queues: ReadonlyMap<string, QueueTotals>;
  /** By the name of the schedule. */
  readonly timers: ReadonlyMap<string, TimerState>;
  readonly hasFunction: (name: string) => boolean;
  readonly hasFlow: (name: string) => boolean;
}

export interface TimerState {
  readonly timer: Timer | undefined;
  readonly last: Firing | undefined;
}

export interface NamedSpec {
  readonly kind: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Judges a topic, a subscription or a schedule. */
export function verdictOf(declared: NamedSpec, state: EventState): Verdict {
  switch (declared.kind) {
    case TOPIC_KIND:
      return topicVerdict(declared, state);
    case SUBSCRIPTION_KIND:
      return subscriptionVerdict(declared, state);
    case SCHEDULE_KIND:
      return scheduleVerdict(declared, state);
  }
  throw new Error(`There is no status of the kind ${declared.kind}.`);
}

type Judged = Omit<Verdict, "figures">;

function topicVerdict({ name, spec }: NamedSpec, { topics }: EventState): Verdict {
  const stats = topics.get(name);
  const groups = stats?.groups.length ?? 0;
  const message = groups === 0 ? "Nobody has subscribed." : `${groups} ${groups === 1 ? "group" : "groups"}`;
  return {
    ...(invalid(checkTopicSpec(spec)) ?? ready("Accepting", message)),
    figures: { events: stats?.events ?? 0, bytes: stats?.bytes ?? 0 },
  };
}

function subscriptionVerdict({ name, spec: given }: NamedSpec, state: EventState): Verdict {
  const spec = given as Partial<SubscriptionSpec>;
  const { group = name } = spec;
  const place = state.topics.get(spec.topic ?? "")?.groups.find((each) => each.group === group);
  const queue = state.queues.get(`sub/${name}`);
  return {
    ...(invalid(checkSubscriptionSpec(given)) ??
      unknownFunction(spec.function, state) ??
      unknownFlow(spec.flow, state) ??
      paused(spec, "Events wait in the topic.") ??
      ready("Delivering", `It delivers to ${targetText(spec)}.`)),
    figures: { group, lag: place?.lag ?? 0, waiting: queue?.waiting ?? 0, dead: queue?.dead ?? 0 },
  };
}

function targetText({ function: name, url, flow }: Partial<SubscriptionSpec>): string {
  return flow === undefined ? (name ?? url)! : `the flow ${flow}`;
}

function scheduleVerdict({ name, spec: given }: NamedSpec, state: EventState): Verdict {
  const spec = given as Partial<ScheduleSpec>;
  const { timer, last } = state.timers.get(name) ?? {};
  const isOver = timer !== undefined && timer.dueAt === undefined;
  const faults = checkScheduleSpec(given);
  const { cron, timeZone } = spec;
  const times = faults.length === 0 ? cronFault({ cron: cron!, timeZone }) : undefined;
  const verdict =
    invalid(faults) ??
    (times === undefined ? undefined : notReady("InvalidSpec", `The schedule never fires: ${times}.`)) ??
    unknownFunction(spec.call?.function, state) ??
    unknownFlow(spec.run?.flow, state) ??
    paused(spec, "Nothing fires.") ??
    ready("Scheduled", isOver ? "It fires at no further time." : "It waits for its next time.");
  return {
    ...verdict,
    figures: {
      nextAt: spec.paused || timer?.dueAt === undefined ? undefined : timeText(timer.dueAt),
      lastAt: last && timeText(last.at),
      lastOutcome: last?.outcome,
    },
  };
}

function ready(reason: string, message: string): Judged {
  return { isReady: true, reason, message };
}

function notReady(reason: string, message: string): Judged {
  return { isReady: false, reason, message };
}

function invalid(faults: readonly SpecFault[]): Judged | undefined {
  return faults.length === 0 ? undefined : notReady("InvalidSpec", faultText(faults));
}

function unknownFunction(name: string | undefined, { hasFunction }: EventState): Judged | undefined {
  if (name === undefined || hasFunction(name)) return undefined;
  return notReady("UnknownFunction", `There is no function "${name}": its calls fail until it is deployed.`);
}

function unknownFlow(name: string | undefined, { hasFlow }: EventState): Judged | undefined {
  if (name === undefined || hasFlow(name)) return undefined;
  return notReady("UnknownFlow", `There is no flow "${name}": its calls fail until it is stored.`);
}

function paused({ paused }: { readonly paused?: boolean }, message: string): Judged | undefined {
  return paused ? notReady("Paused", message) : undefined;
}

/** Times in Kubernetes' objects have no fractions. */
function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
