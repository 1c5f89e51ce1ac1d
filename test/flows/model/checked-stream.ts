import assert from "node:assert/strict";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import type { AttemptOf, Entry } from "../../../platform/flows/run/entry.ts";
import { nameOf } from "../support/driven-run.ts";

/**
 * Reads the stored entries of a run by itself, without the fold, and finds what must never be: an attempt that is opened twice or has two
 * results, a start before its needs, anything after the end.
 */
export class CheckedStream {
  readonly entries: Entry[] = [];
  /** Attempts that were started, and have neither a result nor a reason to have none. */
  readonly open = new Map<string, AttemptOf>();
  /** Those of them that wait for something that is no call. */
  readonly waiting = new Map<string, Extract<Entry, { kind: "waiting" }>>();
  isEnded = false;
  readonly #steps: FlowDefinition["steps"];
  readonly #last: FlowDefinition["finally"];
  readonly #opened = new Set<string>();
  readonly #closed = new Set<string>();
  /** Items that have an output, and steps that were decided. */
  readonly #done = new Set<string>();
  readonly #decided = new Map<string, string>();
  /** Before the run was reopened. */
  readonly #before = new Map<string, string>();
  #isStopping = false;

  constructor(first: Extract<Entry, { kind: "begun" }>) {
    this.#steps = first.definition.steps;
    this.#last = first.definition.finally;
    this.entries.push(first);
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.entries.push(entry);
      assert.ok(!this.isEnded || entry.kind === "reopened", `${entry.kind} after the end`);
      this.#add(entry);
    }
  }

  #add(entry: Entry): void {
    switch (entry.kind) {
      case "started":
        this.#start(entry);
        break;
      case "waiting":
        assert.ok(this.open.has(nameOf(entry)), `${nameOf(entry)} waits without a start`);
        this.waiting.set(nameOf(entry), entry);
        break;
      case "done":
      case "failed":
        this.#close(entry);
        break;
      case "settled":
      case "skipped":
      case "caught":
      case "stepFailed":
        this.#decide(entry);
        break;
      case "cancelling":
      case "runFailed":
        this.#isStopping = true;
        this.#drop(() => true);
        break;
      case "reopened":
        this.#reopen();
        break;
      case "ended":
        this.isEnded = true;
        assert.deepEqual([...this.open.keys()], [], "an attempt is open at the end");
        if (entry.state === "done") this.#checkDone();
        break;
      default:
        break;
    }
  }

  #start(of: AttemptOf): void {
    const name = nameOf(of);
    const unit = unitOf(of);
    assert.ok(!this.#opened.has(name), `${name} is opened twice`);
    assert.ok(
      ![...this.open.values()].some((other) => unitOf(other) === unit),
      `${name} beside another attempt`,
    );
    assert.ok(!this.#done.has(unit), `${name} after a result of it`);
    assert.ok(!this.#decided.has(of.step), `${name} after its step was decided`);
    const isLast = Object.hasOwn(this.#last, of.step);
    assert.ok(isLast || !this.#isStopping, `${name} in a run that stops`);
    const isEarly = isLast && [...this.open.values()].some(({ step }) => Object.hasOwn(this.#steps, step));
    assert.ok(!isEarly, `${name} before the other steps are over`);
    for (const need of (this.#last[of.step] ?? this.#steps[of.step]!).needs) {
      assert.ok(this.#decided.has(need) || this.#before.has(need), `${name} before ${need} is decided`);
    }
    this.#opened.add(name);
    this.open.set(name, of);
  }

  #close(entry: Extract<Entry, { kind: "done" | "failed" }>): void {
    const name = nameOf(entry);
    assert.ok(this.#opened.has(name), `a result of ${name}, which never started`);
    assert.ok(!this.#closed.has(name), `two results of ${name}`);
    assert.ok(this.open.delete(name), `a result of ${name}, which nobody waits for`);
    this.waiting.delete(name);
    this.#closed.add(name);
    if (entry.kind === "failed" && entry.output === undefined) return;
    this.#done.add(unitOf(entry));
    const { each, while: condition } = this.#last[entry.step] ?? this.#steps[entry.step]!;
    if (each === undefined && condition === undefined) this.#decided.set(entry.step, "done");
  }

  #decide({ step, kind }: Extract<Entry, { kind: "settled" | "skipped" | "caught" | "stepFailed" }>): void {
    assert.ok(!this.#decided.has(step), `${step} is decided twice: ${this.#decided.get(step)}, ${kind}`);
    this.#decided.set(step, kind);
    if (kind === "settled" || kind === "caught") this.#drop((of) => of.step === step);
    if (kind !== "stepFailed") return;
    const isLast = Object.hasOwn(this.#last, step);
    if (!isLast) this.#isStopping = true;
    // Calls end; what waits does not go on.
    this.#drop((of) => this.waiting.has(nameOf(of)) && (!isLast || of.step === step));
  }

  #drop(isOver: (of: AttemptOf) => boolean): void {
    for (const [name, of] of this.open) {
      if (!isOver(of)) continue;
      this.open.delete(name);
      this.waiting.delete(name);
    }
  }

  /** What ran before may run again. */
  #reopen(): void {
    assert.ok(this.isEnded, "a live run is reopened");
    this.isEnded = false;
    this.#isStopping = false;
    this.#done.clear();
    for (const [step, how] of this.#decided) this.#before.set(step, how);
    this.#decided.clear();
  }

  #checkDone(): void {
    for (const name of Object.keys({ ...this.#steps, ...this.#last })) {
      const how = this.#decided.get(name) ?? this.#before.get(name);
      assert.ok(
        how !== undefined && how !== "stepFailed",
        `${name} is ${how ?? "open"} in a run that is done`,
      );
    }
  }
}

function unitOf({ step, item }: AttemptOf): string {
  return `${step}/${item ?? 0}`;
}
