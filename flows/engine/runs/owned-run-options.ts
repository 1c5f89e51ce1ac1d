import type { Begun } from "../../../platform/flows/run/entry.ts";
import type { RunMachine } from "../../../platform/flows/run/machine.ts";
import type { NewRun, Runs } from "../../../store/flows/runs.ts";
import type { RunSpans } from "../../traces/run-spans.ts";
import type { Values } from "../values.ts";
import type { Effects } from "./effects.ts";
import type { PastEventsOptions } from "./past-events.ts";
import type { RunCallsOptions } from "./run-calls.ts";
import type { Turns } from "./turns.ts";

/** What owned runs share. */
export interface RunServices
  extends Pick<RunCallsOptions, "calls" | "slots" | "counts">,
    Pick<PastEventsOptions, "lookBack"> {
  readonly runs: Pick<Runs, "append" | "signal">;
  readonly values: Values;
  readonly effects: Effects;
  readonly turns: Turns;
  readonly now: () => number;
  readonly print: (line: string) => void;
}

export interface OwnedRunOptions {
  readonly owner: string;
  readonly machine: RunMachine;
  readonly begun: Begun;
  readonly parent: NewRun["parent"];
  /** Number of the entry of the newest checkpoint; 0 without one. */
  readonly checkpointAt: number;
  /** Another owner may have stopped before it looked for events of the past. */
  readonly isRestored: boolean;
  readonly services: RunServices;
  /** Undefined if the run is not recorded. */
  readonly spans: RunSpans | undefined;
  /** Why the owner before, in this program, could not go on: the run ends as failed. */
  readonly fault?: Error | undefined;
  /** Called after `onGone` of a run that cannot go on, and that is not stored. */
  readonly onFault: (error: Error) => void;
  /** Called once this program has the run no more. */
  readonly onGone: () => void;
}
