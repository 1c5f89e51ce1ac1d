import type { Begun, Entry, KeptValue } from "../run/entry.ts";
import type { StepState } from "../run/error.ts";
import { apply } from "../run/fold/fold.ts";
import { type Plan, type PlannedStep, planOf } from "../run/fold/plan.ts";
import { isSettled, newRun, type RunData, type StepData, stepOf, type Unit } from "../run/fold/state.ts";
import { Attempts, MOST_ATTEMPTS } from "./attempts.ts";
import type {
  AttemptDescription,
  HistoryEntry,
  ItemCounts,
  RunDescription,
  StepDescription,
} from "./description.ts";

const MOST_HISTORY = 100;
const MOST_ITEMS = 100;
const NO_OUTPUT: KeptValue = { json: null };

/** A step or an item that waits for a person. */
export interface OpenApproval {
  readonly step: string;
  readonly item?: number;
  /** Who may decide; anybody without it. */
  readonly by?: readonly string[];
}

/** Describes a run from its entries. Outputs of steps are dropped, so that a long run takes little memory. */
export class RunDescriber {
  readonly #begun: Begun;
  readonly #plan: Plan;
  readonly #state: RunData;
  readonly #attempts = new Attempts();
  readonly #times = new Map<string, { startedAt?: number; endedAt?: number }>();
  readonly #history: HistoryEntry[] = [];
  #output: KeptValue | undefined;

  /** @param begun the first entry */
  constructor(begun: Begun) {
    this.#begun = begun;
    this.#plan = planOf(begun.definition);
    this.#state = newRun(begun);
  }

  get names(): readonly string[] {
    return [...this.#plan.steps.keys()];
  }

  add(entry: Exclude<Entry, { kind: "begun" }>): void {
    apply(this.#state, withoutOutput(entry), this.#plan);
    this.#attempts.add(entry);
    this.#note(entry);
    this.#output = entry.kind === "ended" && entry.state === "done" ? entry.output : undefined;
  }

  describe(): RunDescription {
    const { definition, trigger, traceparent, input } = this.#begun;
    const { functions } = this.#state.begun;
    return {
      ...{ definition, functions, trigger, traceparent, input },
      ...(this.#output === undefined ? {} : { output: this.#output }),
      steps: [...this.#plan.steps.values()].map((planned) => this.#stepOf(planned)),
      history: this.#history,
    };
  }

  /** Somebody cancelled it, and it has not ended. */
  get isCancelling(): boolean {
    return this.#state.stopping?.state === "cancelled" && this.#state.ended === undefined;
  }

  /** Undefined for a name that is no step. The number is that of the items or iterations so far; 1 for a step that runs once. */
  unitsOf(step: string): number | undefined {
    const planned = this.#plan.steps.get(step);
    if (planned === undefined) return undefined;
    const { items, units } = this.#state.steps[step]!;
    return planned.isLoop ? (items ?? units.length) : 1;
  }

  /** Whether a step runs more than once. */
  isLoop(step: string): boolean {
    return this.#plan.steps.get(step)?.isLoop === true;
  }

  /** The newest 100 attempts of a step that runs once, or of an item or iteration, oldest first. */
  attemptsOf(step: string, item?: number): readonly AttemptDescription[] {
    const unit = stepOf(this.#state, step)?.units[item ?? 0];
    return this.#attempts.of(step, item, unit);
  }

  /** What waits for a person. */
  approvals(): readonly OpenApproval[] {
    return [...this.#plan.steps.values()].flatMap(({ name, isLoop }) =>
      this.#state.steps[name]!.units.flatMap((unit, item) => {
        if (unit.state !== "waiting" || unit.for?.kind !== "approval") return [];
        const { by } = unit.for;
        return [{ step: name, ...(isLoop && { item }), ...(by && { by }) }];
      }),
    );
  }

  #note(entry: Entry): void {
    if (entry.kind === "reopened") {
      const { at, by, from, item } = entry;
      this.#history.push({
        ...{ kind: "retried", at, by },
        ...(from === undefined ? {} : { from }),
        ...(item === undefined ? {} : { item }),
      });
    } else if (entry.kind === "cancelling") this.#history.push({ ...entry, kind: "cancelled" });
    else if (entry.kind === "paused" || entry.kind === "resumed") this.#history.push(entry);
    else if ("step" in entry && entry.kind !== "ended" && entry.kind !== "runFailed") {
      const times = this.#times.get(entry.step) ?? {};
      if (entry.kind === "started" || entry.kind === "listed") times.startedAt ??= entry.at;
      else times.endedAt = entry.at;
      this.#times.set(entry.step, times);
    }
    if (this.#history.length > MOST_HISTORY) this.#history.shift();
  }

  #stepOf(planned: PlannedStep): StepDescription {
    const { name, step, isFinally, isLoop } = planned;
    const data = this.#state.steps[name]!;
    const { startedAt, endedAt } = this.#times.get(name) ?? {};
    const { why, error, then } = data;
    return {
      ...{ name, action: step.action.kind, isFinally, state: stateOf(data) },
      ...(why === undefined ? {} : { why }),
      ...(error === undefined ? {} : { error }),
      ...(then === undefined ? {} : { then }),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(endedAt === undefined || !isSettled(data) ? {} : { endedAt }),
      ...(isLoop ? { items: countsOf(data) } : {}),
      attempts: isLoop ? this.#notDone(name, data) : this.attemptsOf(name).slice(-MOST_ATTEMPTS),
    };
  }

  /** The last attempt of each item that is under way or failed. */
  #notDone(name: string, { units }: StepData): readonly AttemptDescription[] {
    const found: AttemptDescription[] = [];
    for (const [item, { state }] of units.entries()) {
      if (found.length === MOST_ITEMS) break;
      const last = state === "done" || state === "new" ? undefined : this.attemptsOf(name, item).at(-1);
      if (last !== undefined) found.push(last);
    }
    return found;
  }
}

function withoutOutput<E extends Entry>(entry: E): E {
  return "output" in entry && entry.output !== undefined ? { ...entry, output: NO_OUTPUT } : entry;
}

function stateOf({ state, units, running }: StepData): StepState {
  if (state !== "active") return state;
  if (running > 0) return "running";
  const isSome = (wanted: Unit["state"]) => units.some((unit) => unit.state === wanted);
  return isSome("retrying") ? "retrying" : isSome("waiting") ? "waiting" : "running";
}

function countsOf({ items, units }: StepData): ItemCounts {
  const counts = { running: 0, waiting: 0, retrying: 0, done: 0, failed: 0, cancelled: 0 };
  let begun = 0;
  for (const { state } of units) {
    if (state === "new") continue;
    counts[state]++;
    begun++;
  }
  const total = items ?? units.length;
  return { total, pending: total - begun, ...counts };
}
