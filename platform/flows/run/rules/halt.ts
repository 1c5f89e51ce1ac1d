import type { StepError } from "../error.ts";
import type { LiveRun, NewEntry } from "../live-run.ts";
import { release } from "./release.ts";

/** Ends all that is under way: somebody cancels the run, or its time is up. */
export function halt(run: LiveRun, entry: Extract<NewEntry, { kind: "cancelling" | "runFailed" }>): void {
  const { running, waiting } = run.underWay;
  release(run, [...running.values(), ...waiting.values()]);
  run.record(entry);
}

/** Ends a run as failed that cannot go on. */
export function fail(run: LiveRun, error: StepError): void {
  if (run.state.ended === undefined) halt(run, { kind: "runFailed", step: currentStep(run), error });
}

/** The step that is under way the longest, or was the last one. */
export function currentStep(run: LiveRun): string {
  const { running, retrying, waiting } = run.underWay;
  for (const map of [running, retrying, waiting]) for (const { step } of map.values()) return step;
  return run.state.last ?? run.plan.steps.keys().next().value ?? "";
}
