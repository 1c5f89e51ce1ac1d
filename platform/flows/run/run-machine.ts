import { newDraft } from "./draft.ts";
import type { AttemptOf, Begun, Entry } from "./entry.ts";
import type { StepError } from "./error.ts";
import { apply } from "./fold/fold.ts";
import { planOf } from "./fold/plan.ts";
import { newRun, type RunData } from "./fold/state.ts";
import { LiveRun, type Told } from "./live-run.ts";
import type { AttemptResult, Decision, MachineOptions, RunMachine } from "./machine.ts";
import { rowOf } from "./row-of.ts";
import { takeDue } from "./rules/due.ts";
import { finish } from "./rules/finish.ts";
import { fail } from "./rules/halt.ts";
import { endAttempt, isRunning } from "./rules/results.ts";
import { takeSignal } from "./rules/signals.ts";
import { startAgain } from "./rules/start.ts";
import { consider } from "./rules/step.ts";
import type { Signal } from "./signal.ts";
import { keyOf, refOf } from "./under-way.ts";
import { Unloaded } from "./values/failure.ts";

/** Version of the text of checkpoints. */
const FORMAT = 1;

/** Of a run that has one entry. */
export function createMachine(begun: Begun, options: MachineOptions): RunMachine {
  return new Machine(newRun(begun), [], options);
}

/**
 * Of a run that another owner had: its newest checkpoint, if there is one, and the entries after it, or all entries.
 * @throws Error if the first entry is not `begun`, or the checkpoint is of another version of Skiff (read all entries then)
 */
export function restoreMachine(
  { checkpoint, entries }: { readonly checkpoint?: string | undefined; readonly entries: readonly Entry[] },
  options: MachineOptions,
): RunMachine {
  if (checkpoint !== undefined) return new Machine(stateOf(checkpoint), entries, options);
  const [begun, ...rest] = entries;
  if (begun?.kind !== "begun") throw new Error(`The first entry of a run is ${begun?.kind ?? "missing"}`);
  return new Machine(newRun(begun), rest, options);
}

/** Whether `restoreMachine` can go on from a checkpoint. */
export function isUsable(checkpoint: string): boolean {
  return checkpoint.startsWith(`{"format":${FORMAT},`);
}

function stateOf(checkpoint: string): RunData {
  if (!isUsable(checkpoint)) throw new Error("The checkpoint is of another version of Skiff");
  return JSON.parse(checkpoint).state as RunData;
}

class Machine implements RunMachine {
  /** Number of the last entry that a decision gave to the owner. */
  sequence: number;
  readonly #run: LiveRun;

  constructor(state: RunData, entries: readonly Entry[], options: MachineOptions) {
    const plan = planOf(state.begun.definition);
    for (const entry of entries) if (entry.kind !== "begun") apply(state, entry, plan);
    this.sequence = state.sequence;
    this.#run = new LiveRun(state, plan, options);
    for (const [key, ref] of this.#run.underWay.running) {
      this.#run.interrupted.set(key, { ...refOf(ref.step, ref.item), attempt: this.#run.unit(ref)!.attempt });
    }
  }

  get signalsLeft(): number {
    return this.#run.told.filter((one) => "signal" in one).length;
  }

  get resultsLeft(): number {
    return this.#run.told.length - this.signalsLeft;
  }

  ended(of: AttemptOf, result: AttemptResult, now: number): void {
    this.#run.now = Math.max(this.#run.now, now);
    if (isRunning(this.#run, of)) this.#run.told.push({ of, result });
  }

  signalled(signal: Signal, now: number): void {
    this.#run.now = Math.max(this.#run.now, now);
    this.#run.told.push({ signal });
  }

  broken(error: StepError, now: number): void {
    this.#run.now = Math.max(this.#run.now, now);
    this.#run.told.push({ broken: error });
  }

  advance(now: number): Decision {
    const run = this.#run;
    run.now = Math.max(run.now, now);
    run.missing.clear();
    run.spent.units = 0;
    while (this.#takeTold() || this.#startAgain() || this.#takeDue() || this.#consider() || this.#finish());
    return this.#decision();
  }

  waits(): ReturnType<RunMachine["waits"]> {
    return [...this.#run.underWay.waiting.values()].flatMap((ref) => {
      const { for: what, since } = this.#run.unit(ref)!;
      if (what?.kind !== "event") return [];
      const { kind: _, ...wait } = what;
      return { ...refOf(ref.step, ref.item), ...wait, since, taken: this.#run.underWay.taken.of(wait) };
    });
  }

  checkpoint(): string {
    return JSON.stringify({ format: FORMAT, state: this.#run.state });
  }

  #takeTold(): boolean {
    const run = this.#run;
    const kept: Told[] = [];
    let taken = 0;
    while (run.told.length > 0 && !run.isSpent) {
      const one = run.told.shift()!;
      const waits = this.#waits(() => {
        if ("signal" in one) takeSignal(run, one.signal);
        else if ("of" in one) endAttempt(run, one);
        else fail(run, one.broken);
      });
      if (waits) kept.push(one);
      else taken++;
    }
    run.told.unshift(...kept);
    return taken > 0;
  }

  #startAgain(): boolean {
    const { interrupted } = this.#run;
    const before = interrupted.size;
    for (const [key, of] of interrupted) {
      if (this.#run.isSpent) break;
      const waits = this.#waits(() => {
        if (isRunning(this.#run, of)) startAgain(this.#run, of);
      });
      if (!waits) interrupted.delete(key);
    }
    return interrupted.size < before;
  }

  #takeDue(): boolean {
    const { entries, starts } = this.#run.draft;
    const before = entries.length + starts.length;
    for (const { bodies } of takeDue(this.#run)) this.#miss(bodies);
    return entries.length + starts.length > before;
  }

  #consider(): boolean {
    const { underWay, told } = this.#run;
    const { dirty } = underWay;
    const [before, toldBefore] = [dirty.size, told.length];
    const names = [...dirty];
    dirty.clear();
    for (const name of this.#left(names, (each) => this.#waits(() => consider(this.#run, each)))) {
      dirty.add(name);
    }
    // What ends at once belongs into the same decision, also if that is full.
    return told.length > toldBefore || dirty.size < before || names.some((name) => !dirty.has(name));
  }

  #finish(): boolean {
    const { draft, underWay, missing } = this.#run;
    // Rules that wait for bodies come first.
    if (missing.size > 0 || this.#run.isSpent) return false;
    const [entries, wasOpen] = [draft.entries.length, underWay.isFinallyOpen];
    this.#waits(() => finish(this.#run));
    return draft.entries.length > entries || underWay.isFinallyOpen !== wasOpen;
  }

  /** Does one after another until the decision has cost enough, and returns those that are left. */
  #left<Of>(all: readonly Of[], waits: (of: Of) => boolean): Of[] {
    return all.filter((one) => this.#run.isSpent || waits(one));
  }

  /** Returns whether a rule has to wait for bodies. */
  #waits(rule: () => void): boolean {
    try {
      rule();
      return false;
    } catch (error) {
      if (!(error instanceof Unloaded)) throw error;
      this.#miss(error.bodies);
      return true;
    }
  }

  #miss(bodies: Unloaded["bodies"]): void {
    for (const body of bodies) this.#run.missing.set(body.body, body);
  }

  #decision(): Decision {
    const run = this.#run;
    const row = rowOf(run);
    if (run.missing.size > 0) return { ...newDraft(), row, missing: [...run.missing.values()] };
    const { draft } = run;
    run.draft = newDraft();
    this.sequence = run.state.sequence;
    return { ...settled(draft), row, missing: [] };
  }
}

/** What a decision begins and ends again never was. */
function settled(draft: LiveRun["draft"]): LiveRun["draft"] {
  const { aborts, waitsOver, cancels, starts, waits, children } = draft;
  if (aborts.length + waitsOver.length + cancels.length === 0) return draft;
  const aborted = new Set(aborts.map(attemptKey));
  const over = new Set(waitsOver.map(({ step, item }) => keyOf(step, item)));
  const cancelled = new Set(cancels);
  const started = new Set(starts.map(attemptKey));
  const begun = new Set(waits.map(({ step, item }) => keyOf(step, item)));
  const born = new Set(children.map(({ run }) => run));
  return {
    ...draft,
    starts: starts.filter((of) => !aborted.has(attemptKey(of))),
    aborts: aborts.filter((of) => !started.has(attemptKey(of))),
    waits: waits.filter(({ step, item }) => !over.has(keyOf(step, item))),
    waitsOver: waitsOver.filter(({ step, item }) => !begun.has(keyOf(step, item))),
    children: children.filter(({ run }) => !cancelled.has(run)),
    cancels: cancels.filter((id) => !born.has(id)),
  };
}

function attemptKey({ step, item, attempt }: AttemptOf): string {
  return `${keyOf(step, item)}/${attempt}`;
}
