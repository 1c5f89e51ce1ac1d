import { flowOfTrigger, groupOfFlow, topicSubscriptions } from "../../platform/declared-flows/triggers.ts";
import { checkSubscriptionSpec } from "../../platform/events/check-subscription.ts";
import { checkTopicSpec } from "../../platform/events/check-topic.ts";
import { faultText, type SpecFault } from "../../platform/events/spec-check.ts";
import { type SubscriptionSpec, topicsOf } from "../../platform/events/subscription-spec.ts";
import type { TopicSpec } from "../../platform/events/topic-spec.ts";
import type { Limits } from "../../platform/limits.ts";
import { parseBytes } from "../../platform/quantity.ts";
import type { TriggeredFlow } from "../flow-triggers.ts";
import { type Group, groupsOf, type Subscription } from "./delivery/groups.ts";
import { type GatewayPaths, gatewayPaths } from "./requests/gateway-paths.ts";

type Spec = Readonly<Record<string, unknown>>;

/**
 * The declared topics and subscriptions, those of flows included, in memory. When somebody applies a spec that is not valid, the last valid one stays
 * in force.
 */
export class TopicTable {
  readonly #topics = new Map<string, TopicSpec>();
  readonly #subscriptions = new Map<string, Subscription>();
  /** Declared without a valid spec since this program follows them: what they are meant to be is not known. */
  readonly #unclearTopics = new Set<string>();
  readonly #unclearSubscriptions = new Map<string, Spec>();
  readonly #topicsOfFlows = new Map<string, readonly string[]>();
  #groups: ReadonlyMap<string, Group> | undefined;
  #byTopic: ReadonlyMap<string, readonly Group[]> | undefined;
  #names: ReadonlySet<string> | undefined;
  #paths: GatewayPaths | undefined;

  /**
   * Applies the spec of a topic; undefined removes it.
   * @returns why the spec is not valid; undefined if it is
   */
  setTopic(name: string, spec: Spec | undefined): string | undefined {
    this.#paths = undefined;
    const fault = spec && textOf(checkTopicSpec(spec));
    if (fault === undefined || this.#topics.has(name)) this.#unclearTopics.delete(name);
    else this.#unclearTopics.add(name);
    if (spec === undefined) this.#topics.delete(name);
    else if (fault === undefined) this.#topics.set(name, withoutNull(spec) as TopicSpec);
    return fault;
  }

  /** As `setTopic`. */
  setSubscription(name: string, spec: Spec | undefined): string | undefined {
    this.#changed();
    const fault = spec && textOf(checkSubscriptionSpec(spec));
    if (fault === undefined || this.#subscriptions.has(name)) this.#unclearSubscriptions.delete(name);
    else this.#unclearSubscriptions.set(name, spec!);
    if (spec === undefined) this.#subscriptions.delete(name);
    else if (fault === undefined) {
      const valid = withoutNull(spec) as unknown as SubscriptionSpec;
      this.#subscriptions.set(name, { name, spec: valid });
    }
    return fault;
  }

  /**
   * Applies the triggers of a flow; undefined removes them.
   * @returns the names of the subscriptions that are new, have changed or are gone
   */
  setFlow(flow: string, triggers: TriggeredFlow | "unclear" | undefined): string[] {
    // A flow that was never valid has no subscription here, but may have places in topics.
    if (triggers === "unclear") this.#unclearSubscriptions.set(groupOfFlow(flow), {});
    else this.#unclearSubscriptions.delete(groupOfFlow(flow));
    const before = [...this.#subscriptions.keys()].filter((name) => flowOfTrigger(name) === flow);
    const now = typeof triggers === "object" ? topicSubscriptions(triggers) : [];
    for (const name of before) this.#subscriptions.delete(name);
    if (typeof triggers === "object") this.#topicsOfFlows.set(flow, triggers.topics);
    else this.#topicsOfFlows.delete(flow);
    for (const subscription of now) this.#subscriptions.set(subscription.name, subscription);
    this.#changed();
    return [...new Set([...before, ...now.map(({ name }) => name)])];
  }

  /** The spec of a topic that is declared or that a subscription or a flow names. Undefined for all others. */
  topic(name: string): TopicSpec | undefined {
    const exists = this.#unclearTopics.has(name) || this.#named().has(name);
    return this.#topics.get(name) ?? (exists ? {} : undefined);
  }

  /** Returns whether a topic is declared, and its bounds are not known. */
  isUnclear(topic: string): boolean {
    return this.#unclearTopics.has(topic);
  }

  /** The specs of subscriptions that are declared and never had a valid one: not even topic and group are certain. */
  unclearSubscriptions(): ReadonlyMap<string, Spec> {
    return this.#unclearSubscriptions;
  }

  /** Most bytes of an event of a topic; undefined if there is no such topic. */
  mostBytes(name: string, { eventBytes }: Pick<Limits, "eventBytes">): number | undefined {
    const spec = this.topic(name);
    if (spec === undefined) return undefined;
    return spec.maxEvent === undefined ? eventBytes : parseBytes(spec.maxEvent);
  }

  subscription(name: string): Subscription | undefined {
    return this.#subscriptions.get(name);
  }

  subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values();
  }

  /** By `groupKey`. */
  groups(): ReadonlyMap<string, Group> {
    this.#groups ??= groupsOf(this.#subscriptions.values(), this.#unclearSubscriptions);
    return this.#groups;
  }

  groupsOf(topic: string): readonly Group[] {
    this.#byTopic ??= Map.groupBy(this.groups().values(), (group) => group.topic);
    return this.#byTopic.get(topic) ?? [];
  }

  /** Topics that subscriptions and flows name. */
  #named(): ReadonlySet<string> {
    this.#names ??= new Set([
      ...[...this.#subscriptions.values()].flatMap(({ spec }) => topicsOf(spec)),
      ...[...this.#topicsOfFlows.values()].flat(),
    ]);
    return this.#names;
  }

  #changed(): void {
    this.#groups = undefined;
    this.#byTopic = undefined;
    this.#names = undefined;
  }

  paths(): GatewayPaths {
    this.#paths ??= gatewayPaths([...this.#topics].map(([name, { paths = [] }]) => ({ name, paths })));
    return this.#paths;
  }
}

function textOf(faults: readonly SpecFault[]): string | undefined {
  return faults.length === 0 ? undefined : faultText(faults);
}

/** A member that is null counts as absent. */
function withoutNull(spec: Spec): Spec {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}
