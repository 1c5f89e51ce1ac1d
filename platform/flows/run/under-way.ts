import type { Entry } from "./entry.ts";
import type { Plan, PlannedStep } from "./fold/plan.ts";
import { isBusy, isSettled, type RunData, type Unit } from "./fold/state.ts";
import { TakenEvents } from "./taken-events.ts";
import { type Timer, Timers } from "./timers.ts";

/** A unit of a step: the step itself, an item or an iteration. */
export interface Ref {
  readonly step: string;
  readonly item?: number | undefined;
}

/**
 * Where to look in the state, so that a decision costs what is new. All of it follows from the state: `rebuild` makes it anew, and
 * `note` gets the same with less work after an entry.
 */
export class UnderWay {
  readonly running = new Map<string, Ref>();
  readonly waiting = new Map<string, Ref>();
  readonly retrying = new Map<string, Ref>();
  /** Steps to look at. */
  readonly dirty = new Set<string>();
  readonly timers = new Timers();
  readonly taken: TakenEvents;
  /** Steps that are not settled. */
  main = 0;
  last = 0;
  /** The steps of `finally` were looked at since the others are over. */
  isFinallyOpen = false;
  /** For each step, where `each` looks for the next item: there is none before. */
  readonly cursors = new Map<string, number>();
  readonly #state: RunData;
  readonly #plan: Plan;
  readonly #settled = new Set<string>();
  /** Steps before a step that are not settled. */
  readonly #before = new Map<string, number>();

  constructor(state: RunData, plan: Plan) {
    this.#state = state;
    this.#plan = plan;
    this.taken = new TakenEvents(state, plan);
    this.rebuild();
  }

  rebuild(): void {
    for (const map of [this.running, this.waiting, this.retrying, this.cursors, this.#before]) map.clear();
    this.dirty.clear();
    this.timers.clear();
    this.taken.rebuild();
    this.#settled.clear();
    this.main = 0;
    this.last = 0;
    this.isFinallyOpen = false;
    for (const planned of this.#plan.steps.values()) {
      const step = this.#state.steps[planned.name]!;
      if (isSettled(step)) this.#settled.add(planned.name);
      else if (planned.isFinally) this.last++;
      else this.main++;
      if (step.busy > 0) this.#placeAll(planned);
    }
    for (const planned of this.#plan.steps.values()) {
      const open = planned.before.filter((name) => !this.#settled.has(name)).length;
      this.#before.set(planned.name, open);
      if (open === 0 && !planned.isFinally && !this.#settled.has(planned.name)) this.dirty.add(planned.name);
    }
  }

  /** After an entry was applied. */
  note(entry: Entry, wasStopping: boolean): void {
    switch (entry.kind) {
      case "done":
      case "failed":
        this.taken.add(entry.step, entry.item ?? 0);
        this.#place(this.#plan.steps.get(entry.step)!, entry.item ?? 0);
        break;
      case "started":
      case "waiting":
        this.#place(this.#plan.steps.get(entry.step)!, entry.item ?? 0);
        break;
      case "stepFailed":
        if (!wasStopping && !this.#state.isFinally) {
          this.rebuild();
          return;
        }
        this.#placeAll(this.#plan.steps.get(entry.step)!);
        break;
      case "caught":
        this.#placeAll(this.#plan.steps.get(entry.step)!);
        break;
      case "cancelling":
      case "runFailed":
      case "reopened":
      case "resumed":
        this.rebuild();
        return;
      default:
        break;
    }
    if ("step" in entry && entry.kind !== "ended") this.#settle(entry.step);
  }

  /** Looks at the steps of `finally` that nothing is before. */
  openFinally(): void {
    this.isFinallyOpen = true;
    for (const { name, isFinally } of this.#plan.steps.values()) {
      if (isFinally && this.#before.get(name) === 0 && !this.#settled.has(name)) this.dirty.add(name);
    }
  }

  /** Whether the unit of a timer is still in the state that it was made for. */
  isOf({ kind, at, step, item }: Timer): boolean {
    const unit = this.#state.steps[step]!.units[item ?? 0];
    if (kind === "retry") return unit?.state === "retrying" && unit.retryAt === at;
    if (kind === "until") return unit?.state === "waiting" && unit.until === at;
    return unit?.state === "running";
  }

  #settle(name: string): void {
    if (this.#settled.has(name) || !isSettled(this.#state.steps[name]!)) return;
    this.#settled.add(name);
    const { isFinally, after } = this.#plan.steps.get(name)!;
    if (isFinally) this.last--;
    else this.main--;
    for (const follower of after) {
      const open = this.#before.get(follower)! - 1;
      this.#before.set(follower, open);
      if (open === 0) this.dirty.add(follower);
    }
  }

  #placeAll(planned: PlannedStep): void {
    for (const index of this.#state.steps[planned.name]!.units.keys()) this.#place(planned, index);
  }

  #place({ name, isLoop }: PlannedStep, index: number): void {
    const key = keyOf(name, index);
    this.running.delete(key);
    this.waiting.delete(key);
    this.retrying.delete(key);
    const unit = this.#state.steps[name]!.units[index]!;
    if (!isBusy(unit)) return;
    const ref: Ref = isLoop ? { step: name, item: index } : { step: name };
    if (unit.state === "running") this.running.set(key, ref);
    else if (unit.state === "waiting") this.waiting.set(key, ref);
    else this.retrying.set(key, ref);
    this.#addTimer(unit, ref);
  }

  #addTimer({ state, until, retryAt }: Unit, ref: Ref): void {
    if (state === "waiting") this.timers.add({ ...ref, at: until!, kind: "until" });
    if (state === "retrying") this.timers.add({ ...ref, at: retryAt!, kind: "retry" });
  }
}

export function keyOf(step: string, item: number | undefined): string {
  return `${step}/${item ?? 0}`;
}

/** Without `item` if there is none: entries have no undefined members. */
export function refOf(
  step: string,
  item: number | undefined,
): { readonly step: string; readonly item?: number } {
  return item === undefined ? { step } : { step, item };
}
