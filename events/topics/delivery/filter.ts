import type { EventFilter } from "../../../platform/events/subscription-spec.ts";
import type { NewEvent } from "../../../store/event.ts";

type Attributed = Pick<NewEvent, "id" | "source" | "type" | "attributes">;

/** Returns the text of an attribute; undefined if the event does not have it. */
export function attributeOf(event: Attributed, name: string): string | undefined {
  if (name === "id" || name === "source" || name === "type") return event[name];
  if (name === "specversion") return "1.0";
  return Object.hasOwn(event.attributes, name) ? event.attributes[name] : undefined;
}

/** Reports whether an event passes a filter (CloudEvents Subscriptions API 1.0). Without one every event does. */
export function matches(filter: EventFilter | undefined, event: Attributed): boolean {
  if (filter === undefined) return true;
  const { exact, prefix, suffix, all = [], any, not } = filter;
  return (
    holds(exact, event, (value, text) => value === text) &&
    holds(prefix, event, (value, text) => value.startsWith(text)) &&
    holds(suffix, event, (value, text) => value.endsWith(text)) &&
    all.every((each) => matches(each, event)) &&
    (any === undefined || any.some((each) => matches(each, event))) &&
    (not === undefined || !matches(not, event))
  );
}

function holds(
  texts: Readonly<Record<string, string>> = {},
  event: Attributed,
  compare: (value: string, text: string) => boolean,
): boolean {
  return Object.entries(texts).every(([name, text]) => {
    const value = attributeOf(event, name);
    return value !== undefined && compare(value, text);
  });
}
