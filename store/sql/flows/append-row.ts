import { ENDED_STATES, type RunState } from "../../../platform/flows/run/error.ts";
import type { Append, EventWait, NewRun, NewSignal } from "../../flows/runs.ts";
import { type NewRow, newRow } from "./run-rows.ts";

/** An append whose values are what the rows have. */
export interface AppendRow
  extends Pick<Append, "run" | "owner" | "after" | "now" | "events" | "calls" | "checkpoint" | "mostLive"> {
  /** Number of its last entry. */
  readonly sequence: number;
  /** Empty if there are none. */
  readonly entries: string;
  readonly state: RunState;
  readonly shown: string;
  readonly wakeAt: number | null;
  /** Of an ended run. */
  readonly endedAt: number | undefined;
  readonly isReleased: boolean;
  readonly taken: readonly number[];
  readonly bodies: readonly string[];
  readonly runs: readonly ChildRow[];
  readonly signals: readonly SignalRow[];
  readonly waits: readonly EventWait[];
  readonly waitsOver: NonNullable<Append["waitsOver"]>;
}

export interface ChildRow {
  readonly row: NewRow;
  /** Tells the run that it is a step of that it was not stored. */
  readonly refusal: SignalRow | undefined;
}

export interface SignalRow {
  readonly run: string;
  readonly signal: string;
  /** Who cancels the run with it. */
  readonly cancelledBy?: string | undefined;
}

export function appendRow(append: Append): AppendRow {
  const { run, owner, after, now, entries, row, taken = [], bodies = [], waits = [] } = append;
  const { state, endedAt, ...shown } = row;
  return {
    ...{ run, owner, after, now, events: append.events, calls: append.calls },
    ...{ checkpoint: append.checkpoint, mostLive: append.mostLive },
    sequence: after + entries.length,
    entries: entries.length > 0 ? JSON.stringify(entries) : "",
    state,
    shown: JSON.stringify(shown),
    wakeAt: row.wakeAt ?? null,
    endedAt: isEnded(state) ? (endedAt ?? now) : undefined,
    isReleased: append.isReleased ?? false,
    taken: taken.map(Number),
    bodies,
    runs: (append.runs ?? []).map(childRow),
    signals: (append.signals ?? []).map(signalRow),
    waits,
    waitsOver: append.waitsOver ?? [],
  };
}

function childRow(run: NewRun): ChildRow {
  const { id, parent } = run;
  if (parent === undefined) return { row: newRow(run), refusal: undefined };
  const { run: to, step, item, attempt } = parent;
  const signal = { kind: "refused", step, item, attempt, run: id, code: "too_many_runs" } as const;
  return { row: newRow(run), refusal: signalRow({ run: to, signal }) };
}

export function signalRow({ run, signal }: NewSignal): SignalRow {
  const row = { run, signal: JSON.stringify(signal) };
  return signal.kind === "cancel" ? { ...row, cancelledBy: signal.by } : row;
}

export function isEnded(state: RunState): boolean {
  return (ENDED_STATES as readonly RunState[]).includes(state);
}
