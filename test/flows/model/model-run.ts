import assert from "node:assert/strict";
import { Expressions } from "../../../platform/flows/expressions/expressions.ts";
import type { AttemptOf, KeptBody, KeptValue } from "../../../platform/flows/run/entry.ts";
import type {
  AttemptResult,
  Decision,
  MachineOptions,
  RunMachine,
  Start,
} from "../../../platform/flows/run/machine.ts";
import { createMachine, restoreMachine } from "../../../platform/flows/run/run-machine.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { begun } from "../support/definitions.ts";
import { nameOf, options } from "../support/driven-run.ts";
import { CheckedStream } from "./checked-stream.ts";
import { below, chance, oneOf, type Random, randomFlow } from "./random-flow.ts";

/** Compiled once for all runs. */
export const EXPRESSIONS = new Expressions();
const ERRORS = [400, 404, 500, 503].map((status) => ({
  type: status < 500 ? "client_error" : "server_error",
  status,
}));

/** A run of a random flow whose calls, events and people do anything, and whose engine dies at any moment. */
export class ModelRun {
  readonly stream: CheckedStream;
  row: Decision["row"] | undefined;
  /** What was done, to read when an assertion fails. */
  readonly log: string[] = [];
  readonly #random: Random;
  readonly #options: MachineOptions;
  readonly #loaded = new Map<string, { readonly json: unknown }>();
  /** Calls under way. Those of an engine that died go on, and their results are late. */
  readonly #calls = new Map<string, Start>();
  readonly #late: AttemptOf[] = [];
  #machine: RunMachine;
  #checkpoint: { readonly text: string; readonly at: number } | undefined;
  #now = 1_000;
  #events = 0;

  constructor(random: Random) {
    this.#random = random;
    let ids = 0;
    this.#options = options({
      random,
      expressions: EXPRESSIONS,
      manyEntries: oneOf(random, [2, 500]),
      manyUnits: oneOf(random, [1, 5, 500_000]),
      value: ({ body }) => this.#loaded.get(body),
      newId: () => `child-${++ids}`,
    });
    const first = begun(randomFlow(random), { n: below(random, 3), list: [1, 2, 3].slice(below(random, 3)) });
    this.stream = new CheckedStream(first);
    this.#machine = createMachine(first, this.#options);
    this.#decide();
  }

  get isEnded(): boolean {
    return this.stream.isEnded;
  }

  /** One random thing happens. */
  step(): void {
    const happens = oneOf(this.#random, [
      () => this.#endCall(true),
      () => this.#endCall(true),
      () => this.#endCall(true),
      () => this.#lateResult(),
      () => this.#elapse(below(this.#random, 3_000)),
      () => this.#wake(),
      () => this.#endWait(),
      () => this.#endWait(),
      () => this.#crash(),
      () => this.#control(),
    ]);
    happens();
  }

  /** Calls end well, and time passes, until the run has ended. */
  toEnd(): void {
    for (let turns = 0; !this.isEnded; turns++) {
      assert.ok(turns < 2_000, `the run does not end: ${JSON.stringify(this.row)}`);
      if (this.row?.state === "paused") this.#signal({ kind: "resume", by: "model" });
      else if (this.#calls.size > 0) this.#endCall(chance(this.#random, 0.1));
      else if (!this.isEnded) this.#wake();
    }
  }

  reopen(): void {
    const names = Object.keys(JSON.parse(this.#machine.checkpoint()).state.steps as object);
    const from = chance(this.#random, 0.5) ? oneOf(this.#random, names) : undefined;
    this.#signal({ kind: "retry", by: "model", from, item: chance(this.#random, 0.3) ? 0 : undefined });
  }

  /** The state is the fold of the entries, whether from the first one or from a checkpoint. */
  checkFold(): void {
    const { entries } = this.stream;
    const whole = restoreMachine({ entries }, this.#options);
    assert.deepEqual(JSON.parse(whole.checkpoint()), JSON.parse(this.#machine.checkpoint()));
  }

  #endCall(mayFail: boolean): void {
    const call = oneOf(this.#random, [...this.#calls.values()]);
    if (call === undefined) return;
    this.#calls.delete(nameOf(call));
    this.#late.push(call);
    this.#tell(call, this.#result(mayFail));
    if (chance(this.#random, 0.1)) this.#tell(call, this.#result(mayFail));
    this.#decide();
  }

  #result(mayFail: boolean): AttemptResult {
    if (!mayFail || chance(this.#random, 0.6)) return { output: this.#value() };
    if (chance(this.#random, 0.2)) return { refused: "too_busy", retryAfterMs: below(this.#random, 1_000) };
    return { error: { ...oneOf(this.#random, ERRORS), message: "Failed." } };
  }

  #value(): KeptValue {
    if (chance(this.#random, 0.8)) return { json: below(this.#random, 10) };
    const type = oneOf(this.#random, ["application/json", "image/png"]);
    return { body: `body-${below(this.#random, 1e6)}`, bytes: 70_000, type };
  }

  /** Of an attempt that has a result, or that its engine gave up. */
  #lateResult(): void {
    const of = oneOf(this.#random, this.#late);
    if (of === undefined || this.#calls.has(nameOf(of))) return;
    const [before, isOpen] = [this.stream.entries.length, this.stream.open.has(nameOf(of))];
    this.#tell(of, { output: { json: "late" } });
    this.#decide();
    const results = this.stream.entries.slice(before).filter((entry) => entry.kind === "done");
    if (!isOpen) assert.ok(!results.some((entry) => nameOf(entry) === nameOf(of)), "a late result counts");
  }

  #endWait(): void {
    const entry = oneOf(this.#random, [...this.stream.waiting.values()]);
    if (entry === undefined) return;
    const { step, item, attempt, for: waitsFor } = entry;
    if (waitsFor.kind === "event") {
      this.#signal({ kind: "event", step, item, topic: "t", position: ++this.#events, event: { data: 1 } });
    } else if (waitsFor.kind === "approval") {
      this.#signal({ kind: "approval", step, item, approved: chance(this.#random, 0.7), by: "model" });
    } else if (waitsFor.kind === "flow") {
      const error = { type: "client_error", status: 400, message: "Failed." };
      const end = oneOf(this.#random, [
        { kind: "ended", at: 1, state: "done", output: this.#value() },
        { kind: "ended", at: 1, state: "failed", step: "x", error },
        { kind: "ended", at: 1, state: "cancelled", by: "model" },
      ] as const);
      this.#signal({ kind: "flow", step, item, attempt, run: waitsFor.run, end });
    }
  }

  #control(): void {
    const kind = oneOf(this.#random, ["pause", "resume", "pause", "resume", "cancel", "none"] as const);
    if (kind !== "none") this.#signal({ kind, by: "model" });
  }

  #wake(): void {
    const { wakeAt } = this.row!;
    // Without a time the run waits for a call or a person, who is there in the end.
    if (wakeAt === undefined) this.#endWait();
    else this.#elapse(Math.max(0, wakeAt - this.#now));
  }

  #elapse(ms: number): void {
    this.#now += ms;
    this.#decide();
  }

  /** Another engine takes over: the decision in the making is lost, if there is one. */
  #crash(): void {
    this.log.push("crash");
    if (chance(this.#random, 0.5)) this.#now += below(this.#random, 2_000);
    if (chance(this.#random, 0.5)) this.#machine.advance(this.#now);
    const isNew = chance(this.#random, 0.5) && this.#checkpoint !== undefined;
    const { entries } = this.stream;
    this.#machine = isNew
      ? restoreMachine(
          { checkpoint: this.#checkpoint!.text, entries: entries.slice(this.#checkpoint!.at) },
          this.#options,
        )
      : restoreMachine({ entries: JSON.parse(JSON.stringify(entries)) }, this.#options);
    this.#late.push(...this.#calls.values());
    this.#calls.clear();
    this.#decide();
    for (let times = 0; !this.isEnded && this.#isBehind; times++) {
      assert.ok(times < 2_000, "decisions follow one another without end");
      this.#decide();
    }
    const running = [...this.stream.open.keys()].filter((name) => !this.stream.waiting.has(name));
    assert.deepEqual(
      [...this.#calls.keys()].sort(),
      running.sort(),
      "calls that were under way are made again",
    );
  }

  /** Another decision follows at once. */
  get #isBehind(): boolean {
    return (this.row?.wakeAt ?? Number.POSITIVE_INFINITY) <= this.#now;
  }

  #tell(of: AttemptOf, result: AttemptResult): void {
    this.log.push(`${nameOf(of)} ${JSON.stringify(result)}`);
    this.#machine.ended(of, result, this.#now);
  }

  #signal(signal: Signal): void {
    this.log.push(JSON.stringify(signal));
    this.#machine.signalled(signal, this.#now);
    this.#decide();
  }

  #decide(): void {
    let decision = this.#machine.advance(this.#now);
    for (let times = 0; decision.missing.length > 0; times++) {
      assert.ok(times < 10, "bodies are missing again and again");
      for (const body of decision.missing) this.#load(body);
      decision = this.#machine.advance(this.#now);
    }
    for (const entry of decision.entries) this.log.push(`  ${JSON.stringify(entry)}`);
    this.row = decision.row;
    this.stream.add(decision.entries);
    for (const start of decision.starts) {
      assert.ok(this.stream.open.has(nameOf(start)), `${nameOf(start)} is made without an entry`);
      assert.ok(!this.#calls.has(nameOf(start)), `${nameOf(start)} is made twice at a time`);
      this.#calls.set(nameOf(start), start);
    }
    for (const of of decision.aborts) {
      assert.ok(this.#calls.delete(nameOf(of)), `${nameOf(of)} is aborted, and not under way`);
      this.#late.push(of);
    }
    if (chance(this.#random, 0.1)) {
      this.#checkpoint = { text: this.#machine.checkpoint(), at: this.stream.entries.length };
    }
  }

  #load({ body }: KeptBody): void {
    this.#loaded.set(body, { json: { of: body } });
  }
}
