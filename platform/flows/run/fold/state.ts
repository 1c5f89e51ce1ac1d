import type { Begun, Entry, KeptValue, WaitsFor } from "../entry.ts";
import type { StepError } from "../error.ts";

/** What a run's entries add up to: plain JSON, so that a checkpoint is its text. Absent members are absent, never undefined. */
export interface RunData {
  /** Number of the last entry. */
  sequence: number;
  begun: Begun;
  /** Its time limit counts from here: when it began, or was reopened. */
  since: number;
  /** Steps and those of `finally`. */
  steps: Record<string, StepData>;
  /** A step of `finally` has begun: the others are over. */
  isFinally: boolean;
  /** Who paused it. */
  paused?: string;
  /** What it will end as. No further step starts but those of `finally`. */
  stopping?: Stopping;
  ended?: Ended;
  /** The step that an entry named last. */
  last?: string;
}

export type Ended = Extract<Entry, { kind: "ended" }>;

export type Stopping =
  | { readonly state: "failed"; readonly step: string; readonly error: StepError }
  | { readonly state: "cancelled"; readonly by: string; readonly reason?: string };

export interface StepData {
  state: "pending" | "active" | "done" | "skipped" | "caught" | "failed" | "cancelled";
  /** Of a skipped one. */
  why?: "if" | "else" | "needs" | "catch";
  /** Length of the list of `each`. */
  items?: number;
  /** Its items or iterations, or itself alone. */
  units: Unit[];
  /** Units that are running; running, waiting or retrying; done. */
  running: number;
  busy: number;
  done: number;
  /** About the size of the outputs of `each`, in bytes. */
  bytes: number;
  output?: KeptValue;
  error?: StepError;
  /** The step that its catch chose. */
  then?: string;
}

/** What is attempted: a step, an item of it, or an iteration. */
export interface Unit {
  readonly state: "new" | "running" | "waiting" | "retrying" | "done" | "failed" | "cancelled";
  /** Number of the last attempt, 0 before the first. */
  readonly attempt: number;
  /** Attempts since it began, or was reopened, and when the first of them started. */
  readonly tries: number;
  readonly since: number;
  readonly output?: KeptValue;
  readonly error?: StepError;
  /** While waiting. */
  readonly until?: number;
  readonly for?: WaitsFor;
  /** The event that ended its wait, and the value that it was for. */
  readonly took?: { readonly position: number; readonly equals: unknown };
  /** While retrying. */
  readonly retryAt?: number;
}

export const NEW_UNIT: Unit = { state: "new", attempt: 0, tries: 0, since: 0 };

export function newRun(begun: Begun): RunData {
  const { steps, finally: last } = begun.definition;
  const names = [...Object.keys(steps), ...Object.keys(last)];
  return {
    sequence: 1,
    begun,
    since: begun.at,
    steps: Object.fromEntries(names.map((name) => [name, newStep()])),
    isFinally: false,
  };
}

function newStep(): StepData {
  return { state: "pending", units: [], running: 0, busy: 0, done: 0, bytes: 0 };
}

/** Undefined for a name that is no step. */
export function stepOf(state: RunData, name: string): StepData | undefined {
  return Object.hasOwn(state.steps, name) ? state.steps[name] : undefined;
}

export function isBusy({ state }: Unit): boolean {
  return state === "running" || state === "waiting" || state === "retrying";
}

/** Whether nothing more becomes of a step by itself. */
export function isSettled({ state }: StepData): boolean {
  return state !== "pending" && state !== "active";
}

/** Puts a unit in its place. All changes of units come through here, so that the counts are right. */
export function setUnit(step: StepData, index: number, unit: Unit): void {
  while (step.units.length < index) step.units.push(NEW_UNIT);
  const before = step.units[index] ?? NEW_UNIT;
  step.units[index] = unit;
  step.running += Number(unit.state === "running") - Number(before.state === "running");
  step.busy += Number(isBusy(unit)) - Number(isBusy(before));
  step.done += Number(unit.state === "done") - Number(before.state === "done");
}

/** About the bytes of a value as JSON. */
export function sizeOf(value: KeptValue): number {
  return "json" in value ? (JSON.stringify(value.json)?.length ?? 0) : value.bytes;
}
