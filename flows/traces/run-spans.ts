import { formatTraceparent, isSampled, parentIdOf, traceIdOf } from "../../http/traceparent.ts";
import type { Action } from "../../platform/flows/definition/definition.ts";
import { attemptKey } from "../../platform/flows/run/attempt-key.ts";
import type { AttemptOf, Begun, Entry } from "../../platform/flows/run/entry.ts";
import type { StepError } from "../../platform/flows/run/error.ts";
import type { FlowTracer } from "./flow-tracer.ts";
import { spanIdOf } from "./span-ids.ts";

/** Longest type of an error, in characters: functions choose them. */
const TYPE_LENGTH = 256;
const CALLS: ReadonlySet<Action["kind"]> = new Set(["fn", "http", "exec"]);

type Ended = Extract<Entry, { kind: "ended" }>;

interface Whole {
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly startedAt: number;
}

interface Under {
  readonly of: AttemptOf;
  readonly at: number;
}

/**
 * The spans of a run: of the whole from when it was accepted to its end, and of each attempt. They are recorded when the entry of their
 * end is stored, by whoever stored it, so that a run that survives a restart has each of them once.
 */
export class RunSpans {
  readonly #begun: Begun;
  readonly #tracer: FlowTracer;
  readonly #traceId: string;
  readonly #underWay = new Map<string, Under>();
  /** An attempt whose start is in a checkpoint began before. */
  readonly #restoredAt: number;
  #whole: Whole;

  private constructor(begun: Begun, tracer: FlowTracer, entries: readonly Entry[]) {
    const { run, at, traceparent } = begun;
    this.#begun = begun;
    this.#tracer = tracer;
    this.#traceId = traceIdOf(traceparent);
    const [spanId, parentId] = [spanIdOf(run), parentIdOf(traceparent)];
    this.#whole = { spanId, parentId: parentId === spanId ? undefined : parentId, startedAt: at };
    this.#restoredAt = entries.at(-1)?.at ?? at;
    for (const entry of entries) this.#note(entry);
  }

  /**
   * Returns undefined for a run that is not recorded.
   * @param entries those that another owner stored
   */
  static of(
    begun: Begun,
    tracer: FlowTracer | undefined,
    entries: readonly Entry[] = [],
  ): RunSpans | undefined {
    if (tracer === undefined || !isSampled(begun.traceparent)) return undefined;
    return new RunSpans(begun, tracer, entries);
  }

  /**
   * Returns the field for what an attempt calls, publishes or begins.
   * @param key that of the attempt
   */
  traceparentOf(key: string): string {
    return formatTraceparent({ traceId: this.#traceId, spanId: spanIdOf(key), isSampled: true });
  }

  /** Records what ended with entries that were stored. */
  stored(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind === "done") this.#attempt(entry, { at: entry.at, callId: entry.callId });
      if (entry.kind === "failed")
        this.#attempt(entry, { at: entry.at, callId: entry.callId, error: entry.error });
      if (entry.kind === "ended") this.#end(entry);
      this.#note(entry);
    }
  }

  /** Keeps what later spans need. */
  #note(entry: Entry): void {
    const { at } = entry;
    if (entry.kind === "started") {
      const { step, item, attempt } = entry;
      const of = item === undefined ? { step, attempt } : { step, item, attempt };
      this.#underWay.set(this.#keyOf(entry), { of, at });
    }
    if (entry.kind === "done" || entry.kind === "failed") this.#underWay.delete(this.#keyOf(entry));
    if (entry.kind === "ended") this.#underWay.clear();
    if (entry.kind === "reopened") {
      const { run } = this.#begun;
      this.#whole = { spanId: spanIdOf(`${run}.reopened.${at}`), parentId: spanIdOf(run), startedAt: at };
    }
  }

  #keyOf(of: AttemptOf): string {
    return attemptKey(this.#begun.run, of);
  }

  #attempt(
    of: AttemptOf,
    end: { at: number; callId?: string | undefined; error?: StepError; state?: string },
  ): void {
    const { run, definition } = this.#begun;
    const { step, item, attempt } = of;
    const key = this.#keyOf(of);
    const steps = Object.hasOwn(definition.steps, step) ? definition.steps : definition.finally;
    const { action } = steps[step]!;
    const { error, callId, state } = end;
    this.#tracer.record({
      ...{ name: `step ${step}`, traceId: this.#traceId, spanId: spanIdOf(key) },
      parentId: this.#whole.spanId,
      isCall: CALLS.has(action.kind),
      startedAt: this.#underWay.get(key)?.at ?? this.#restoredAt,
      endedAt: end.at,
      isError: error !== undefined,
      attributes: {
        "skiff.flow": definition.flow,
        "skiff.run": run,
        "skiff.step": step,
        "skiff.item": item,
        "skiff.attempt": attempt,
        "skiff.action": action.kind,
        "skiff.state": state ?? (error === undefined ? "done" : "failed"),
        "faas.invocation_id": callId,
        "error.type": typeOf(error),
      },
    });
  }

  #end(end: Ended): void {
    // Their results are of no interest any more.
    for (const { of } of this.#underWay.values()) this.#attempt(of, { at: end.at, state: "cancelled" });
    const { run, version, definition, trigger } = this.#begun;
    const error = end.state === "failed" ? end.error : undefined;
    this.#tracer.record({
      ...{ name: `flow ${definition.flow}`, traceId: this.#traceId, ...this.#whole },
      isCall: false,
      endedAt: end.at,
      isError: error !== undefined,
      attributes: {
        "skiff.flow": definition.flow,
        "skiff.flow.version": version,
        "skiff.run": run,
        "skiff.trigger": trigger.kind,
        "skiff.state": end.state,
        "skiff.step": end.state === "failed" ? end.step : undefined,
        "error.type": typeOf(error),
      },
    });
  }
}

function typeOf(error: StepError | undefined): string | undefined {
  return error?.type.slice(0, TYPE_LENGTH);
}
