import { loadBody } from "../../../calling/stored-bodies.ts";
import type { Expressions } from "../../../platform/flows/expressions/expressions.ts";
import type { Bodies } from "../../../store/bodies.ts";
import type { EventWait } from "../../../store/flows/runs.ts";
import type { StoredEvent, Topics } from "../../../store/topics.ts";

/** The rule of each wait is evaluated for each event of its topic: a few milliseconds at most (platform/flows/expressions/). */
const MAX_COST = 20_000;

/** Where events are, and what compares them. */
export interface EventSource {
  readonly topics: Pick<Topics, "read" | "positionAt">;
  readonly bodies: Pick<Bodies, "read">;
  readonly expressions: Pick<Expressions, "evaluate">;
}

/** An event as expressions see it. */
export type EventValue = Readonly<Record<string, unknown>>;

/** Data of JSON is its value, everything else a text. Rejects if the store is away. */
export async function eventValue(event: StoredEvent, bodies: Pick<Bodies, "read">): Promise<EventValue> {
  const { id, source, type, topic, attributes, data } = event;
  const text = Buffer.from(await loadBody(bodies, data)).toString();
  return { ...attributes, id, source, type, topic, data: dataOf(text, attributes.datacontenttype) };
}

/** Returns the JSON text that `equals` of a wait must be; undefined for an event that is none for the rule. */
export function keyOf(
  event: EventValue,
  { type, by }: Pick<EventWait, "type" | "by">,
  expressions: Pick<Expressions, "evaluate">,
): string | undefined {
  if (type !== undefined && type !== event.type) return undefined;
  try {
    return JSON.stringify(expressions.evaluate(by, { event }, MAX_COST) ?? null);
  } catch {
    // The event does not have what the expression reads: it is another kind of event.
    return undefined;
  }
}

function dataOf(text: string, type = "application/json"): unknown {
  if (text === "") return null;
  if (!/json/i.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
