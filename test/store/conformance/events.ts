import type { NewEvent } from "../../../store/event.ts";
import type { EventStore } from "../../../store/store.ts";
import type { History } from "./subject.ts";

export type EventHistory = History & Pick<EventStore, "calls" | "topics" | "timers" | "bodies">;

export const HOUR_MS = 3_600_000;

/** An event of the topic `orders`. */
export function event(of: Partial<NewEvent> = {}): NewEvent {
  return {
    topic: "orders",
    id: "1",
    source: "/shop",
    type: "order.made",
    attributes: { datacontenttype: "text/plain" },
    data: { inline: Buffer.from("hello") },
    isDeduplicated: false,
    ...of,
  };
}
