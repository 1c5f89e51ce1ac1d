import { createHash } from "node:crypto";
import type { SubscriptionSpec } from "../../../platform/events/subscription-spec.ts";
import type { NewEvent } from "../../../store/event.ts";
import type { StoredEvent } from "../../../store/topics.ts";
import { attributeOf, matches } from "./filter.ts";

type Spec = Readonly<Record<string, unknown>>;

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
  /** Some member has no valid spec, and never had one since the program began: who wants which event is not known. */
  readonly isUnclear: boolean;
}

export function groupOf({ name, spec }: Subscription): string {
  return spec.group ?? name;
}

/** Returns the key of a group in a map. Neither name has a slash. */
export function groupKey(topic: string, group: string): string {
  return `${topic}/${group}`;
}

/**
 * Sorts subscriptions into groups.
 * @param unclear specs that are not valid, by the names of their subscriptions
 */
export function groupsOf(
  subscriptions: Iterable<Subscription>,
  unclear: ReadonlyMap<string, Spec> = new Map(),
): ReadonlyMap<string, Group> {
  const unclearGroups = new Set([...unclear].map(([name, { topic, group }]) => `${topic}/${group ?? name}`));
  const groups = new Map<string, Group & { readonly members: Subscription[] }>();
  const sorted = [...subscriptions].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const subscription of sorted) {
    const { topic } = subscription.spec;
    const name = groupOf(subscription);
    const key = groupKey(topic, name);
    if (!groups.has(key)) groups.set(key, { topic, name, members: [], isUnclear: unclearGroups.has(key) });
    groups.get(key)!.members.push(subscription);
  }
  return groups;
}

/** A group rests while all of its members are paused, or while it is not known who wants which event. */
export function rests({ members, isUnclear }: Group): boolean {
  return isUnclear || members.every(({ spec }) => spec.paused === true);
}

/** Reports whether a group answers an event. */
export function mayReply(group: Group, event: NewEvent): boolean {
  if (rests(group)) return false;
  return group.members.some(
    ({ spec }) => spec.paused !== true && spec.replies !== false && matches(spec.filter, event),
  );
}

/** Returns the names of paused members that would answer an event. */
export function pausedRepliers({ members }: Group, event: NewEvent): string[] {
  return members
    .filter(({ spec }) => spec.paused === true && spec.replies !== false && matches(spec.filter, event))
    .map(({ name }) => name);
}

/** The events of a group with `order: key` whose attribute has the same value go to the same member. */
export function orderKeyOf({ spec }: Subscription, event: StoredEvent): string {
  if (spec.order !== "key") return "";
  return attributeOf(event, spec.orderBy ?? "partitionkey") ?? "";
}

/** Whose turn it is. A subscription that was changed counts as a new one. */
export class Turns {
  readonly #last = new WeakMap<Subscription, number>();
  #count = 0;

  /** Returns the member whose last turn is the longest ago. There must be one. */
  next(members: readonly Subscription[]): Subscription {
    const lastOf = (member: Subscription) => this.#last.get(member) ?? 0;
    const chosen = members.reduce((first, each) => (lastOf(each) < lastOf(first) ? each : first));
    this.#last.set(chosen, ++this.#count);
    return chosen;
  }
}

/**
 * Returns the member that gets an event: those whose filter matches take turns, or own order keys. A paused one gets it only
 * if no other wants it: its deliveries wait. Undefined if nobody wants the event.
 */
export function chooseMember({ members }: Group, event: StoredEvent, turns: Turns): Subscription | undefined {
  const willing = members.filter(({ spec }) => matches(spec.filter, event));
  const active = willing.filter(({ spec }) => spec.paused !== true);
  const candidates = active.length > 0 ? active : willing;
  if (candidates.length === 0) return undefined;
  const key = candidates.map((member) => orderKeyOf(member, event)).find((each) => each !== "");
  return key === undefined ? turns.next(candidates) : highest(candidates, key);
}

/** Rendezvous hashing: a member that joins or leaves moves no key between the others. */
function highest(members: readonly Subscription[], key: string): Subscription {
  const weighed = members.map((member) => ({
    member,
    weight: createHash("sha256").update(`${member.name}/${key}`).digest().readUIntBE(0, 6),
  }));
  return weighed.reduce((best, each) => (each.weight > best.weight ? each : best)).member;
}
