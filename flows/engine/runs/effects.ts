import { storeBody } from "../../../calling/stored-bodies.ts";
import { attemptKey } from "../../../platform/flows/run/attempt-key.ts";
import type { Begun, Entry } from "../../../platform/flows/run/entry.ts";
import type { ChildRun, Decision, PublishedEvent } from "../../../platform/flows/run/machine.ts";
import type { Bodies } from "../../../store/bodies.ts";
import type { NewEvent } from "../../../store/event.ts";
import type { Append, EventWait, NewRun, NewSignal } from "../../../store/flows/runs.ts";
import type { RunSpans } from "../../traces/run-spans.ts";
import type { Values } from "../values.ts";
import type { Children, Origin } from "./children.ts";
import { bodiesOf, smallEntries } from "./entry-bodies.ts";

/** What an append stores of a decision. */
export type Stored = Pick<
  Append,
  "entries" | "row" | "bodies" | "runs" | "mostLive" | "events" | "signals" | "waits" | "waitsOver"
>;

export interface EffectsOptions {
  readonly values: Values;
  readonly children: Children;
  readonly bodies: Pick<Bodies, "write">;
  /** Most live runs of one flow. */
  readonly mostLive: number;
  readonly now: () => number;
}

/** The run of which a decision is. */
export interface Deciding {
  readonly begun: Begun;
  /** The run that it is a step of. */
  readonly parent: NewRun["parent"];
  readonly spans: Pick<RunSpans, "traceparentOf"> | undefined;
}

/** Makes of decisions what is stored with their entries. */
export class Effects {
  readonly #options: EffectsOptions;

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  /** Rejects if the store is away. */
  async of(decision: Decision, { begun, parent, spans }: Deciding): Promise<Stored> {
    const { values, children, mostLive } = this.#options;
    const { row, waits, waitsOver, cancels, publishes } = decision;
    const entries = await smallEntries(decision.entries, values);
    const traceOf = (key: string) => spans?.traceparentOf(key) ?? begun.traceparent;
    const make = (child: ChildRun) =>
      children.make(child, { begun, traceparent: traceOf(attemptKey(begun.run, child)) });
    const made = await Promise.all(decision.children.map(make));
    const signals: NewSignal[] = made.flatMap((each) => ("signal" in each ? each.signal : []));
    const by = `run ${begun.run}`;
    for (const run of cancels) signals.push({ run, signal: { kind: "cancel", by } });
    signals.push(...endSignals(entries, begun, parent));
    return {
      ...{ entries, row, signals, waitsOver, bodies: bodiesOf(entries) },
      ...{ runs: made.flatMap((each) => ("run" in each ? each.run : [])), mostLive },
      events: await Promise.all(
        publishes.map((event) => this.#eventOf(event, { begun, traceparent: traceOf(event.id) })),
      ),
      waits: waits.map((wait): EventWait => {
        return { ...wait, run: begun.run, equals: JSON.stringify(wait.equals ?? null) };
      }),
    };
  }

  async #eventOf(
    { topic, id, type, attributes, payload }: PublishedEvent,
    { begun, traceparent }: Origin,
  ): Promise<NewEvent> {
    const { values, bodies, now } = this.#options;
    const { body, type: datacontenttype } = await values.sendable(payload);
    // What is long is kept beside the rows.
    const data = "inline" in body ? await storeBody(bodies, body.inline) : body;
    return {
      ...{ topic, id, type, data, source: `/flow/${begun.definition.flow}/run/${begun.run}` },
      attributes: {
        time: new Date(now()).toISOString(),
        ...(datacontenttype === undefined ? {} : { datacontenttype }),
        traceparent,
        ...attributes,
      },
      isDeduplicated: true,
    };
  }
}

/** Tells the parent of a run how it ended. */
function endSignals(entries: readonly Entry[], { run }: Begun, parent: NewRun["parent"]): NewSignal[] {
  const end = entries.at(-1);
  if (parent === undefined || end?.kind !== "ended") return [];
  const { run: to, step, item, attempt } = parent;
  return [{ run: to, signal: { kind: "flow", step, item, attempt, run, end } }];
}
