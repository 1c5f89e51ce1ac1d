import { Meter, type Spent } from "../expressions/evaluation/meter.ts";
import { type Draft, newDraft } from "./draft.ts";
import type { AttemptOf, Entry } from "./entry.ts";
import type { StepError } from "./error.ts";
import { apply } from "./fold/fold.ts";
import type { Plan, PlannedStep } from "./fold/plan.ts";
import type { RunData, StepData, Unit } from "./fold/state.ts";
import type { AttemptResult, MachineOptions, Missing } from "./machine.ts";
import type { Signal } from "./signal.ts";
import { type Ref, refOf, UnderWay } from "./under-way.ts";

/** What the machine was told and has not dealt with. */
export type Told =
  | { readonly of: AttemptOf; readonly result: AttemptResult }
  | { readonly signal: Signal }
  | { readonly broken: StepError };

/** An attempt that could not be made: nothing has run. It is no part of the state; a crash makes it again at once. */
export interface Refused {
  readonly of: AttemptOf;
  readonly at: number;
  readonly code: string;
}

type Untimed<Of> = Of extends unknown ? Omit<Of, "at"> : never;
export type NewEntry = Untimed<Exclude<Entry, { kind: "begun" }>>;

const MANY_ENTRIES = 500;
/** About 20 ms. What one rule evaluates may take twice as long (`MAX_COST`). */
const MANY_UNITS = 500_000;

/** What the rules of a run share: the state, where to look in it, and the decision in the making. */
export class LiveRun {
  readonly state: RunData;
  readonly plan: Plan;
  readonly options: MachineOptions;
  readonly underWay: UnderWay;
  readonly told: Told[] = [];
  readonly refused = new Map<string, Refused>();
  /** How often in a row an attempt could not be made. */
  readonly refusals = new Map<string, number>();
  /** Lists of `each` that were evaluated; they follow from the state. */
  readonly lists = new Map<string, readonly unknown[]>();
  /** Attempts that a crash interrupted, and that are to be made again. */
  readonly interrupted = new Map<string, AttemptOf>();
  draft: Draft = newDraft();
  /** What this decision has cost. */
  readonly spent: Spent = { units: 0 };
  /** Bodies that this decision needs. */
  missing = new Map<string, Missing>();
  now = 0;

  constructor(state: RunData, plan: Plan, options: MachineOptions) {
    this.state = state;
    this.plan = plan;
    this.options = options;
    this.underWay = new UnderWay(state, plan);
  }

  /** Applies an entry and makes it part of the decision. */
  record(entry: NewEntry): void {
    const whole = { ...entry, at: this.now } as Exclude<Entry, { kind: "begun" }>;
    const wasStopping = this.state.stopping !== undefined;
    apply(this.state, whole, this.plan);
    if (whole.kind === "reopened") this.lists.clear();
    this.underWay.note(whole, wasStopping);
    if (whole.kind === "resumed") this.#addRefused();
    this.draft.entries.push(whole);
  }

  #addRefused(): void {
    for (const { of, at } of this.refused.values()) {
      this.underWay.timers.add({ ...refOf(of.step, of.item), at, kind: "refused" });
    }
  }

  /** Whether a loop should go on with the next decision, which follows at once. */
  get isFull(): boolean {
    return this.isSpent || this.draft.entries.length >= (this.options.manyEntries ?? MANY_ENTRIES);
  }

  /** Whether everything should go on with the next decision: one that takes long would stop all other runs. */
  get isSpent(): boolean {
    return this.spent.units >= (this.options.manyUnits ?? MANY_UNITS);
  }

  /** For what one rule evaluates, which together may cost as much as one expression. */
  meter(): Meter {
    return new Meter(undefined, this.spent);
  }

  planned(name: string): PlannedStep {
    return this.plan.steps.get(name)!;
  }

  data(name: string): StepData {
    return this.state.steps[name]!;
  }

  unit({ step, item }: Ref): Unit | undefined {
    return this.data(step).units[item ?? 0];
  }

  /** Whether steps of this kind may start nothing more: the run stops, is paused or over. */
  isFrozen({ isFinally }: PlannedStep): boolean {
    const { paused, stopping, ended } = this.state;
    return paused !== undefined || ended !== undefined || (stopping !== undefined && !isFinally);
  }
}
