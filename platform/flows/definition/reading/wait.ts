import type { Action } from "../definition.ts";
import { KEYS } from "./keys.ts";
import { declarationNameOf } from "./names.ts";
import type { Place } from "./place.ts";
import { conditionOf, durationOf, expressionOf, isObject, textOf } from "./values.ts";

const DAY_MS = 86_400_000;
/** Of a step that waits for something or somebody. */
export const LONG = { least: 1, most: 365 * DAY_MS, example: "2h" };
const EVENT_KEYS = ["type", "by", "equals", "timeout"] as const;

/** Reads `10s`, `{for}`, `{until}` or `{event, by, equals}`. */
export function readWait(place: Place): Action | undefined {
  const { value } = place;
  if (typeof value === "string") return waitFor(place);
  if (typeof value !== "object" || value === null) {
    return place.wrong("a duration such as 10s, or an object with for, until, or event, by and equals");
  }
  if (!isObject(place, KEYS.wait)) return undefined;
  const [first, second] = ["for", "until", "event"].flatMap((key) => place.member(key) ?? []);
  if (first === undefined) {
    return place.fault(`${place.name} waits for nothing: add for: 10s, until, or event, by and equals.`);
  }
  if (second !== undefined) {
    return second.keyFault(
      `${place.name} has both ${first.key} and ${second.key}: keep one, and make a second step of the other.`,
    );
  }
  if (first.key === "event") return waitForEvent(place, first);
  for (const key of EVENT_KEYS) {
    place.member(key)?.keyFault(`${place.name}.${key} is for waits for an event: remove it.`);
  }
  if (first.key === "for") return waitFor(first);
  const until = expressionOf(first);
  return until === undefined ? undefined : { kind: "wait", until };
}

function waitFor(place: Place): Action | undefined {
  const forMs = durationOf(place, { ...LONG, example: "10s" });
  return forMs === undefined ? undefined : { kind: "wait", forMs };
}

function waitForEvent(place: Place, event: Place): Action | undefined {
  const topic = declarationNameOf(event, "topic");
  const type = textOf(
    place.member("type"),
    /^[\x21-\x7e]{1,255}$/,
    "a type of events such as dev.example.paid",
  );
  const [by, equals] = [place.member("by"), place.member("equals")];
  if (by === undefined || equals === undefined) {
    return place.fault(
      `${place.name} does not say which event it waits for: add by, such as event.data.order, and equals, such as input.id.`,
    );
  }
  const [ofEvent, ofRun] = [expressionOf(by), scalarOf(equals)];
  if (topic === undefined || ofEvent === undefined || ofRun === undefined) return undefined;
  return { kind: "event", topic, ...(type !== undefined && { type }), by: ofEvent, equals: ofRun };
}

/** Reads an expression, or a number as it is. */
function scalarOf(place: Place): string | undefined {
  return typeof place.value === "number" ? String(place.value) : conditionOf(place);
}
