import type { AttemptOf, Begun } from "../../../platform/flows/run/entry.ts";
import type { AttemptResult, Start } from "../../../platform/flows/run/machine.ts";
import type { RunSpans } from "../../traces/run-spans.ts";
import type { StepCalls } from "../calls/step-calls.ts";
import type { FlowCounts } from "../counts.ts";
import type { CallSlots } from "./call-slots.ts";

export interface Result {
  readonly of: AttemptOf;
  readonly result: AttemptResult;
  /** By `performance.now()`. */
  readonly atMs: number;
}

export interface RunCallsOptions {
  readonly begun: Begun;
  readonly calls: Pick<StepCalls, "make">;
  readonly slots: CallSlots;
  readonly counts: FlowCounts;
  readonly spans: Pick<RunSpans, "traceparentOf"> | undefined;
  readonly onResult: (result: Result) => void;
}

/** The calls of a run that are under way, or wait for a free place. */
export class RunCalls {
  readonly #options: RunCallsOptions;
  readonly #running = new Map<string, AbortController>();

  constructor(options: RunCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#running.size;
  }

  start(start: Start): void {
    const { calls, slots, counts, spans, begun, onResult } = this.#options;
    const key = keyOf(start);
    const ending = new AbortController();
    this.#running.set(key, ending);
    counts.attempts++;
    if (start.attempt > 1) counts.retries++;
    const { run, definition } = begun;
    const traceparent = spans?.traceparentOf(start.idempotencyKey) ?? begun.traceparent;
    slots.run(async () => {
      if (ending.signal.aborted) return;
      counts.calls++;
      const trace = { run, flow: definition.flow, traceparent };
      const result = await calls.make(start, trace, ending.signal).finally(() => counts.calls--);
      // What was broken off has no result.
      if (this.#running.get(key) !== ending) return;
      this.#running.delete(key);
      if ("refused" in result) counts.refused++;
      onResult({ of: start, result, atMs: performance.now() });
    });
  }

  abort(of: AttemptOf): void {
    const key = keyOf(of);
    this.#running.get(key)?.abort(new Error("the result is of no interest any more"));
    this.#running.delete(key);
  }

  abortAll(reason: string): void {
    for (const ending of this.#running.values()) ending.abort(new Error(reason));
    this.#running.clear();
  }
}

function keyOf({ step, item, attempt }: AttemptOf): string {
  return `${step}/${item ?? ""}/${attempt}`;
}
