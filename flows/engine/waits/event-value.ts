import { isAway } from "../../../calling/away.ts";
import { loadBody } from "../../../calling/stored-bodies.ts";
import { Meter } from "../../../platform/flows/expressions/evaluation/meter.ts";
import type { Expressions } from "../../../platform/flows/expressions/expressions.ts";
import { isTooDeep, TOO_DEEP } from "../../../platform/flows/run/values/depth.ts";
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
  readonly print: (line: string) => void;
}

/** An event as expressions see it. */
export type EventValue = Readonly<Record<string, unknown>>;

/**
 * Data of JSON is its value, everything else a text. Undefined for an event that no expression can read, which a line tells: its data is
 * nested too deeply, or gone. Rejects if the store is away.
 */
export async function eventValue(
  event: StoredEvent,
  { bodies, print }: Pick<EventSource, "bodies" | "print">,
): Promise<EventValue | undefined> {
  const { id, source, type, topic, attributes } = event;
  try {
    const text = Buffer.from(await loadBody(bodies, event.data)).toString();
    const data = dataOf(text, attributes.datacontenttype);
    if (!isTooDeep(data)) return { ...attributes, id, source, type, topic, data };
    print(`no run gets the event ${id} of the topic ${topic}: its data is ${TOO_DEEP}`);
  } catch (error) {
    if (isAway(error)) throw error;
    print(`no run gets the event ${id} of the topic ${topic}: ${(error as Error).message}`);
  }
  return undefined;
}

/** Returns the JSON text that `equals` of a wait must be; undefined for an event that is none for the rule. */
export function keyOf(
  event: EventValue,
  { type, by }: Pick<EventWait, "type" | "by">,
  expressions: Pick<Expressions, "evaluate">,
): string | undefined {
  if (type !== undefined && type !== event.type) return undefined;
  try {
    return JSON.stringify(expressions.evaluate(by, { event }, new Meter(MAX_COST)) ?? null);
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
