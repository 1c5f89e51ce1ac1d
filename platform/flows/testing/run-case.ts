import type { FlowDefinition } from "../definition/definition.ts";
import type { Expressions } from "../expressions/expressions.ts";
import { ExpressionFault } from "../expressions/fault.ts";
import type { AttemptOf, Begun, Entry, KeptValue } from "../run/entry.ts";
import type { AttemptResult, Decision, Payload, RunMachine } from "../run/machine.ts";
import { createMachine } from "../run/run-machine.ts";
import type { FlowCase } from "./cases.ts";
import { type Mocked, Mocks } from "./mocks.ts";

/** An attempt that a mock answered, or that published an event. */
export interface MockedCall extends AttemptOf {
  readonly input: unknown;
}

export interface CaseRun {
  readonly entries: readonly Entry[];
  readonly calls: readonly MockedCall[];
  /** Why the run could not be brought to its end: a step without a mock, or a loop without end. */
  readonly problem?: string;
  /** Virtual time from its begin to its end, in milliseconds. */
  readonly tookMs: number;
}

export interface CaseOptions {
  readonly expressions: Expressions;
  readonly limits: { readonly flowItems: number; readonly flowOutputBytes: number };
}

/** Decisions of a run: more than the largest map with retries has. */
const MAX_DECISIONS = 100_000;

/** Runs a flow with mocked steps. Time is virtual: waits and retries pass at once. */
export function runCase(definition: FlowDefinition, flowCase: FlowCase, options: CaseOptions): CaseRun {
  return new Run(definition, flowCase, options).toEnd();
}

class Run {
  readonly #machine: RunMachine;
  readonly #mocks: Mocks;
  readonly #case: FlowCase;
  readonly #entries: Entry[];
  readonly #calls: MockedCall[] = [];
  readonly #inputs = new Map<string, unknown>();
  #now: number;
  #isCancelled = false;
  /** Events that were mocked. */
  #events = 0;
  #problem: string | undefined;

  constructor(definition: FlowDefinition, flowCase: FlowCase, { expressions, limits }: CaseOptions) {
    const begun = begunOf(definition, flowCase);
    let ids = 0;
    this.#case = flowCase;
    this.#now = flowCase.startMs;
    this.#entries = [begun];
    this.#mocks = new Mocks(flowCase.mocks, expressions);
    this.#machine = createMachine(begun, {
      expressions,
      limits,
      random: () => 0.5,
      value: ({ list, body, bytes, type }) => list && { json: { body, bytes, type } },
      retryOf: () => undefined,
      newId: () => `run_${++ids}`,
    });
  }

  toEnd(): CaseRun {
    for (let count = 0; this.#problem === undefined; count++) {
      if (count === MAX_DECISIONS) this.#problem = `The run has not ended after ${MAX_DECISIONS} decisions.`;
      const decision = this.#machine.advance(this.#now);
      this.#entries.push(...decision.entries);
      // The last step may have published something.
      const isTold = this.#act(decision);
      if (decision.row.endedAt !== undefined) break;
      if (!isTold) this.#wait(decision);
    }
    return {
      entries: this.#entries,
      calls: this.#calls,
      tookMs: this.#now - this.#case.startMs,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  /** Returns whether the machine was told something. */
  #act(decision: Decision): boolean {
    for (const { payload, id } of decision.publishes) this.#publish(payload, id);
    for (const { input, ...of } of decision.children) this.#inputs.set(keyOf(of), jsonOf(input));
    let isTold = decision.publishes.length > 0;
    for (const start of decision.starts) {
      this.#call(start, jsonOf(start.send.payload));
      isTold = true;
    }
    for (const entry of decision.entries) {
      if (entry.kind === "waiting" && this.#answer(entry)) isTold = true;
    }
    return isTold;
  }

  /** Time passes until something is due. */
  #wait({ row }: Decision): void {
    const { cancelAfterMs, startMs } = this.#case;
    const cancelAt = cancelAfterMs === undefined || this.#isCancelled ? undefined : startMs + cancelAfterMs;
    const due = Math.min(row.wakeAt ?? Number.POSITIVE_INFINITY, cancelAt ?? Number.POSITIVE_INFINITY);
    if (due === Number.POSITIVE_INFINITY) {
      this.#problem = `The run is ${row.state} and nothing follows.`;
      return;
    }
    this.#now = Math.max(this.#now, due);
    if (due !== cancelAt) return;
    this.#isCancelled = true;
    this.#machine.signalled({ kind: "cancel", by: "test" }, this.#now);
  }

  #call(of: AttemptOf, input: unknown): void {
    this.#record(of, input);
    const mocked = this.#mocked(of, input);
    if (mocked === undefined) {
      this.#problem ??= `Step \`${of.step}\` was called and has no mock: write \`mocks: {${of.step}: {output: …}}\`.`;
      return;
    }
    this.#machine.ended(of, resultOf(mocked), this.#now);
  }

  /** The id of an event is `RUN.STEP.ATTEMPT` or `RUN.STEP.ITEM.ATTEMPT`. */
  #publish(payload: Payload, id: string): void {
    const [, step, ...rest] = id.split(".");
    const attempt = Number(rest.at(-1));
    const item = rest.length === 2 ? { item: Number(rest[0]) } : {};
    this.#record({ step: step!, ...item, attempt }, jsonOf(payload));
  }

  /** Ends a wait that has a mock at once. Others last until their time is up. */
  #answer(entry: Extract<Entry, { kind: "waiting" }>): boolean {
    const { step, item, attempt, for: what } = entry;
    if (what.kind === "time") return false;
    const of: AttemptOf = item === undefined ? { step, attempt } : { step, item, attempt };
    const input = this.#inputs.get(keyOf(of)) ?? (what.kind === "approval" ? what.message : null);
    this.#record(of, input);
    const mocked = this.#mocked(of, input);
    if (mocked === undefined) return false;
    this.#signal(of, what, mocked);
    return true;
  }

  #signal(of: AttemptOf, what: Extract<Entry, { kind: "waiting" }>["for"], mocked: Mocked): void {
    const place = of.item === undefined ? { step: of.step } : { step: of.step, item: of.item };
    if (what.kind === "approval") {
      const { by = "test", comment, data } = approvalOf(mocked);
      const approved = "output" in mocked;
      this.#machine.signalled({ kind: "approval", ...place, approved, by, comment, data }, this.#now);
    } else if (what.kind === "event" && "output" in mocked) {
      const event = { id: "test", source: "test", type: what.type ?? "test", data: mocked.output };
      const position = ++this.#events;
      this.#machine.signalled({ kind: "event", ...place, topic: what.topic, position, event }, this.#now);
    } else if (what.kind === "flow") {
      const end = this.#childEnd(mocked);
      this.#machine.signalled({ kind: "flow", ...place, attempt: of.attempt, run: what.run, end }, this.#now);
    } else {
      this.#problem ??= `Step \`${of.step}\` waits for an event: a mock of it has an \`output\`, the data of the event. Without a mock it times out.`;
    }
  }

  #childEnd(mocked: Mocked): Extract<Entry, { kind: "ended" }> {
    const at = this.#now;
    return "output" in mocked
      ? { kind: "ended", at, state: "done", output: { json: mocked.output } }
      : { kind: "ended", at, state: "failed", step: "mock", error: mocked.error };
  }

  #mocked(of: AttemptOf, input: unknown): Mocked | undefined {
    try {
      return this.#mocks.next(of, input);
    } catch (error) {
      if (!(error instanceof ExpressionFault)) throw error;
      this.#problem ??= error.message;
      return { output: null };
    }
  }

  #record({ step, item, attempt }: AttemptOf, input: unknown): void {
    this.#calls.push(item === undefined ? { step, attempt, input } : { step, item, attempt, input });
  }
}

function begunOf(definition: FlowDefinition, { startMs, trigger, input }: FlowCase): Begun {
  return {
    kind: "begun",
    at: startMs,
    run: "run_test",
    definition,
    version: 1,
    functions: {},
    trigger: trigger ?? { kind: "api", by: "test" },
    input: { json: input },
    depth: 0,
    traceparent: "",
  };
}

function resultOf(mocked: Mocked): AttemptResult {
  return "output" in mocked ? { output: { json: mocked.output } } : { error: mocked.error };
}

function approvalOf(mocked: Mocked): { by?: string; comment?: string; data?: unknown } {
  if ("error" in mocked) return { comment: mocked.error.message };
  const { output } = mocked;
  return typeof output === "object" && output !== null ? output : {};
}

function jsonOf(payload: Payload): unknown {
  return payload === "none" ? null : (payload as Extract<KeptValue, { json: unknown }>).json;
}

function keyOf({ step, item, attempt }: AttemptOf): string {
  return `${step}/${item ?? ""}/${attempt}`;
}
