import type { Begun } from "../../../platform/flows/run/entry.ts";
import type { RunMachine } from "../../../platform/flows/run/machine.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { type EventSource, eventValue, keyOf } from "./event-value.ts";

const EVENTS_AT_ONCE = 100;
/** By how much the clocks of programs may differ, in milliseconds. */
const CLOCKS_MS = 60_000;

type Wait = ReturnType<RunMachine["waits"]>[number];

/**
 * Finds events that were published since a run began and before its waits were stored: those after are the follower's. Rejects if the
 * store is away.
 */
export async function lookBack(begun: Begun, waits: readonly Wait[], from: EventSource): Promise<Signal[]> {
  const found: Signal[] = [];
  for (const [topic, each] of Map.groupBy(waits, (wait) => wait.topic))
    found.push(...(await lookInto(topic, { begun, waits: each }, from)));
  return found;
}

async function lookInto(
  topic: string,
  { begun, waits }: { readonly begun: Begun; readonly waits: readonly Wait[] },
  { topics, bodies, expressions }: EventSource,
): Promise<Signal[]> {
  const until = Math.max(...waits.map(({ since }) => since)) + CLOCKS_MS;
  const byRule = Map.groupBy(waits, ({ type, by }) => JSON.stringify([type ?? null, by]));
  const open = new Map(waits.map((wait) => [wait, JSON.stringify(wait.equals ?? null)]));
  const found: Signal[] = [];
  let position = await topics.positionAt(topic, begun.at - CLOCKS_MS);
  while (open.size > 0) {
    const events = await topics.read(topic, position, EVENTS_AT_ONCE);
    for (const event of events) {
      if (event.publishedAt < begun.at) continue;
      const value = await eventValue(event, bodies);
      for (const alike of byRule.values()) {
        const key = keyOf(value, alike[0]!, expressions);
        for (const wait of alike) {
          if (key === undefined || open.get(wait) !== key) continue;
          open.delete(wait);
          const { step, item } = wait;
          found.push({ kind: "event", step, item, topic, position: event.position, event: value });
        }
      }
    }
    const last = events.at(-1);
    if (last === undefined || events.length < EVENTS_AT_ONCE || last.publishedAt > until) break;
    position = last.position;
  }
  return found;
}
