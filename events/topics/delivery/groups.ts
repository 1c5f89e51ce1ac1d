import { createHash } from "node:crypto";
import type { SubscriptionSpec } from "../../../platform/events/subscription-spec.ts";
import type { NewEvent } from "../../../store/event.ts";
import type { StoredEvent } from "../../../store/topics.ts";
import { attributeOf, matches } from "./filter.ts";

/** A subscription whose spec is valid. */
export interface Subscription {
  readonly name: string;
  readonly spec: SubscriptionSpec;
}

/** Subscriptions that share the events of a topic. */
export interface Group {
  readonly topic: string;
  readonly name: string;
  /** By name. */
  readonly members: readonly Subscription[];
}

export function groupOf({ name, spec }: Subscription): string {
  return spec.group ?? name;
}

/** Returns the key of a group in a map. Neither name has a slash. */
export function groupKey(topic: string, group: string): string {
  return `${topic}/${group}`;
}

/** Sorts subscriptions into groups. */
export function groupsOf(subscriptions: Iterable<Subscription>): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group & { readonly members: Subscription[] }>();
  const sorted = [...subscriptions].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const subscription of sorted) {
    const { topic } = subscription.spec;
    const name = groupOf(subscription);
    const key = groupKey(topic, name);
    if (!groups.has(key)) groups.set(key, { topic, name, members: [] });
    groups.get(key)!.members.push(subscription);
  }
  return groups;
}

/** A group rests while all of its members are paused. */
export function rests({ members }: Group): boolean {
  return members.every(({ spec }) => spec.paused === true);
}

/** Reports whether a group answers an event. */
export function mayReply({ members }: Group, event: NewEvent): boolean {
  return members.some(
    ({ spec }) => spec.paused !== true && spec.replies !== false && matches(spec.filter, event),
  );
}

/** The events of a group with `order: key` whose attribute has the same value go to the same member. */
export function orderKeyOf({ spec }: Subscription, event: StoredEvent): string {
  if (spec.order !== "key") return "";
  return attributeOf(event, spec.orderBy ?? "partitionkey") ?? "";
}

/**
 * Returns the member that gets an event: members that are not paused and whose filter matches take turns, or own order keys.
 * Undefined if nobody wants it. Every program chooses the same one.
 */
export function chooseMember({ members }: Group, event: StoredEvent): Subscription | undefined {
  const willing = members.filter(({ spec }) => spec.paused !== true && matches(spec.filter, event));
  if (willing.length < 2) return willing[0];
  const key = willing.map((member) => orderKeyOf(member, event)).find((each) => each !== "");
  if (key === undefined) return willing[event.position % willing.length];
  return highest(willing, key);
}

/** Rendezvous hashing: a member that joins or leaves moves no key between the others. */
function highest(members: readonly Subscription[], key: string): Subscription {
  const weighed = members.map((member) => ({
    member,
    weight: createHash("sha256").update(`${member.name}/${key}`).digest().readUIntBE(0, 6),
  }));
  return weighed.reduce((best, each) => (each.weight > best.weight ? each : best)).member;
}
