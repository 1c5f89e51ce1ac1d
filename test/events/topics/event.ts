import type { Subscription } from "../../../events/topics/delivery/groups.ts";
import type { SubscriptionSpec } from "../../../platform/events/subscription-spec.ts";
import type { StoredEvent } from "../../../store/topics.ts";

/** An event of the topic `orders` with these parts. */
export function storedEvent(parts: Partial<StoredEvent> = {}): StoredEvent {
  return {
    ...{ topic: "orders", id: "e1", source: "/shop", type: "order.created", attributes: {} },
    ...{ data: { inline: Buffer.from("{}") }, isDeduplicated: true, position: 1, publishedAt: 0 },
    ...parts,
  };
}

/** A subscription of the topic `orders` for a function of the same name. */
export function subscription(name: string, spec: Partial<SubscriptionSpec> = {}): Subscription {
  const target = spec.url === undefined ? { function: name } : {};
  return { name, spec: { topic: "orders", ...target, ...spec } };
}
