import type { Begun } from "../../../platform/flows/run/entry.ts";
import type { OpenWait } from "../../../platform/flows/run/machine.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { waitKey } from "../../../platform/flows/run/taken-events.ts";
import { type EventSource, type EventValue, eventValue, keyOf } from "./event-value.ts";

const EVENTS_AT_ONCE = 100;
/** By how much the clocks of programs may differ, in milliseconds. */
const CLOCKS_MS = 60_000;

/** A run that looks back again and again. */
export interface LookingBack {
  readonly begun: Begun;
  /**
   * By what is waited for (`waitKey`), the position up to which the run has taken all events for it: none of them is read twice, however
   * often a loop waits.
   */
  readonly passed: Map<string, number>;
}

/**
 * Finds events that were published since a run began and before its waits were stored: those after are the follower's. Each ends one
 * wait of those for the same. Rejects if the store is away.
 */
export async function lookBack(
  run: LookingBack,
  waits: readonly OpenWait[],
  from: EventSource,
): Promise<Signal[]> {
  const found: Signal[] = [];
  for (const [topic, each] of Map.groupBy(waits, (wait) => wait.topic))
    found.push(...(await lookInto(topic, { run, waits: each }, from)));
  return found;
}

/** Waits for the same, which find different events. */
interface Alike {
  readonly key: string;
  readonly equals: string;
  readonly open: OpenWait[];
  readonly taken: ReadonlySet<number>;
  /** Position of the first event that was found. */
  first?: number;
}

async function lookInto(
  topic: string,
  { run, waits }: { readonly run: LookingBack; readonly waits: readonly OpenWait[] },
  source: EventSource,
): Promise<Signal[]> {
  const { topics, expressions } = source;
  const { begun, passed } = run;
  const until = Math.max(...waits.map(({ since }) => since)) + CLOCKS_MS;
  const alike = [...Map.groupBy(waits, waitKey)].map(([key, open]): Alike => {
    const { equals, taken } = open[0]!;
    return { key, equals: JSON.stringify(equals ?? null), open: [...open], taken };
  });
  const rules = [
    ...Map.groupBy(alike, ({ open: [wait] }) => JSON.stringify([wait!.type ?? null, wait!.by])),
  ].map(([, each]) => ({
    rule: each[0]!.open[0]!,
    byValue: new Map(each.map((one) => [one.equals, one])),
  }));
  let open = waits.length;
  const found: Signal[] = [];
  const take = ({ position }: { readonly position: number }, event: EventValue) => {
    for (const { rule, byValue } of rules) {
      const key = keyOf(event, rule, expressions);
      const same = key === undefined ? undefined : byValue.get(key);
      if (same === undefined || same.taken.has(position)) continue;
      const wait = same.open.shift();
      if (wait === undefined) continue;
      same.first ??= position;
      open--;
      const { step, item } = wait;
      found.push({ kind: "event", step, item, topic, position, event });
    }
  };
  const start = await topics.positionAt(topic, begun.at - CLOCKS_MS);
  let position = Math.max(start, Math.min(...alike.map(({ key }) => passed.get(key) ?? start)));
  while (open > 0) {
    const events = await topics.read(topic, position, EVENTS_AT_ONCE);
    for (const event of events) {
      if (open === 0) break;
      const value = event.publishedAt < begun.at ? undefined : await eventValue(event, source);
      if (value !== undefined) take(event, value);
      position = event.position;
    }
    const last = events.at(-1);
    if (last === undefined || events.length < EVENTS_AT_ONCE || last.publishedAt > until) break;
  }
  // One that was found may be left, if another event ends the wait.
  for (const { key, first } of alike) passed.set(key, first === undefined ? position : first - 1);
  return found;
}
