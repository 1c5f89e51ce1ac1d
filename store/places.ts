import type { SubscriptionSpec } from "../platform/events/subscription-spec.ts";
import { parseInstant } from "../platform/quantity.ts";
import type { NewPlace } from "./topics.ts";

/** Returns the place from which a subscription with a valid spec starts if its group has none. */
export function startOf(
  name: string,
  { topic, group = name, from = "latest" }: Pick<SubscriptionSpec, "topic" | "group" | "from">,
  now: number,
): NewPlace {
  const time = parseInstant(from)?.getTime();
  const start = from === "earliest" ? "earliest" : time === undefined ? "resume" : { time };
  return { topic, group, from: start, now };
}
