import { cancellation } from "../cancellation.ts";
import type { KeptValue } from "../entry.ts";
import type { LiveRun } from "../live-run.ts";
import { errorOf } from "../values/failure.ts";
import { stepScope } from "../values/scope.ts";
import { keptOf, outputOf } from "../values/values.ts";
import { halt } from "./halt.ts";
import { byName } from "./sending.ts";

/** Goes on to `finally` when the other steps are over, and ends the run after it. Throws `Unloaded`. */
export function finish(run: LiveRun): void {
  const { state, underWay } = run;
  const { ended, paused } = state;
  if (ended !== undefined || paused !== undefined) return;
  if (underWay.running.size > 0 || (state.stopping === undefined && underWay.main > 0)) return;
  if (underWay.last > 0) {
    if (underWay.isFinallyOpen) return;
    // `finally` sees how the run ends.
    if (state.stopping === undefined) tryOutput(run);
    underWay.openFinally();
    return;
  }
  const { stopping } = state;
  if (stopping?.state === "failed") {
    run.record({ kind: "ended", state: "failed", step: stopping.step, error: stopping.error });
  } else if (stopping !== undefined) {
    run.record({ kind: "ended", state: "cancelled", ...cancellation(stopping) });
  } else {
    const output = tryOutput(run);
    if (output === undefined) {
      finish(run);
      return;
    }
    run.record({ kind: "ended", state: "done", output });
  }
}

/** The output of the run. Undefined if it cannot be made, for which the run fails. */
function tryOutput(run: LiveRun): KeptValue | undefined {
  const { sinks } = run.plan;
  const step = sinks.findLast((name) => run.data(name).state === "done") ?? sinks.at(-1) ?? "";
  try {
    return outputOfRun(run, step);
  } catch (failure) {
    halt(run, { kind: "runFailed", step, error: errorOf(failure) });
    return undefined;
  }
}

function outputOfRun(run: LiveRun, step: string): KeptValue {
  const { sinks } = run.plan;
  const { output } = run.state.begun.definition;
  if (output !== undefined) return keptOf(stepScope(run, step), output, "output of the flow");
  if (sinks.length === 1) return outputOf(run.data(sinks[0]!));
  return byName(
    run,
    step,
    sinks.filter((name) => run.data(name).state === "done"),
  );
}
