import assert from "node:assert/strict";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { Expressions } from "../../../platform/flows/expressions/expressions.ts";
import type { AttemptOf, Begun, Entry, KeptBody } from "../../../platform/flows/run/entry.ts";
import type {
  AttemptResult,
  Decision,
  MachineOptions,
  RunMachine,
  Start,
} from "../../../platform/flows/run/machine.ts";
import { createMachine, restoreMachine } from "../../../platform/flows/run/run-machine.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { begun } from "./definitions.ts";

export function options(more: Partial<MachineOptions> = {}): MachineOptions {
  let ids = 0;
  return {
    limits: { flowItems: 10_000, flowOutputBytes: 10 * 1024 * 1024 },
    random: () => 0.5,
    value: () => undefined,
    retryOf: () => undefined,
    newId: () => `child-${++ids}`,
    expressions: new Expressions(),
    ...more,
  };
}

/** A machine with an owner that keeps everything in memory. Time is the test's. */
export class DrivenRun {
  machine: RunMachine;
  readonly entries: Entry[];
  /** Attempts that were made and have no result. */
  readonly open = new Map<string, Start>();
  readonly decisions: Decision[] = [];
  now = 1_000;
  readonly #options: MachineOptions;

  constructor(
    definition: FlowDefinition,
    input: unknown = {},
    { functions = {}, ...more }: Partial<MachineOptions> & Pick<Partial<Begun>, "functions"> = {},
  ) {
    this.#options = options(more);
    const first = { ...begun(definition, input), functions };
    this.entries = [first];
    this.machine = createMachine(first, this.#options);
    this.advance();
  }

  get row() {
    return this.decisions.at(-1)!.row;
  }

  /** The decision that followed. Checks that the entries say as much as the state. */
  advance(ms = 0): Decision {
    this.now += ms;
    const decision = this.machine.advance(this.now);
    this.decisions.push(decision);
    this.entries.push(...decision.entries);
    assert.equal(this.machine.sequence, this.entries.length);
    const folded = restoreMachine({ entries: this.entries }, this.#options);
    assert.deepEqual(JSON.parse(folded.checkpoint()), JSON.parse(this.machine.checkpoint()));
    for (const start of decision.starts) this.open.set(nameOf(start), start);
    for (const of of decision.aborts) assert.ok(this.open.delete(nameOf(of)), `abort of ${nameOf(of)}`);
    return decision;
  }

  /** Names of the attempts under way, such as `a.1` and `rows[2].1`. */
  get under(): string[] {
    return [...this.open.keys()].sort();
  }

  done(name: string, json: unknown = null): Decision {
    return this.end(name, { output: { json } });
  }

  fail(
    name: string,
    status: number,
    more: Readonly<{ type?: string; retryAfterMs?: number; isFinal?: boolean }> = {},
  ) {
    const { type = status >= 500 ? "server_error" : "client_error", ...rest } = more;
    return this.end(name, { error: { type, status, message: `Status ${status}.` }, ...rest });
  }

  end(name: string, result: AttemptResult): Decision {
    const start = this.open.get(name);
    assert.ok(start, `${name} is not under way: ${this.under}`);
    this.open.delete(name);
    this.machine.ended(start, result, this.now);
    return this.advance();
  }

  signal(signal: Signal): Decision {
    this.machine.signalled(signal, this.now);
    return this.advance();
  }

  /** Goes on as another owner would: from the entries, or from a checkpoint. */
  crash(isFromCheckpoint = false): Decision {
    this.machine = restoreMachine(
      isFromCheckpoint
        ? { checkpoint: this.machine.checkpoint(), entries: [] }
        : { entries: JSON.parse(JSON.stringify(this.entries)) },
      this.#options,
    );
    this.open.clear();
    return this.advance();
  }

  /** Kinds of entries, with steps. */
  kinds(decision: Decision): string[] {
    return decision.entries.map((entry) => ("step" in entry ? `${entry.kind} ${entry.step}` : entry.kind));
  }

  payload(name: string): unknown {
    const { payload } = this.open.get(name)!.send;
    return payload === "none" ? "none" : "json" in payload ? payload.json : payload;
  }
}

export function nameOf({ step, item, attempt }: AttemptOf): string {
  return item === undefined ? `${step}.${attempt}` : `${step}[${item}].${attempt}`;
}

export function body(id: string, more: Partial<KeptBody> = {}): KeptBody {
  return { body: id, bytes: 100_000, type: "application/json", ...more };
}
