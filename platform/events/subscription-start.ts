import { parseInstant } from "../quantity.ts";
import type { SubscriptionSpec } from "./subscription-spec.ts";

/** Where a new group of a topic begins (`NewPlace.from`, store/topics.ts). Without `from`, a removed group goes on. */
export function startOf({
  from,
}: Pick<SubscriptionSpec, "from">): "resume" | "earliest" | "latest" | { readonly time: number } {
  if (from === undefined) return "resume";
  if (from === "earliest" || from === "latest") return from;
  return { time: parseInstant(from)!.getTime() };
}

/** Subscriptions of a topic with the same group share its events. */
export function groupOf(name: string, { group }: Pick<SubscriptionSpec, "group">): string {
  return group ?? name;
}
