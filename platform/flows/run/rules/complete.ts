import type { AttemptOf, KeptValue } from "../entry.ts";
import type { LiveRun } from "../live-run.ts";
import { refOf } from "../under-way.ts";
import { errorOf } from "../values/failure.ts";
import { scopeOf, withKept, withPlain } from "../values/scope.ts";
import { keptOf } from "../values/values.ts";
import { failAttempt, originOf } from "./fail.ts";

/** An attempt has a result; `position` is that of the event which is it. Throws `Unloaded`. */
export function complete(
  run: LiveRun,
  of: AttemptOf,
  result: { output: KeptValue; callId?: string | undefined; position?: number | undefined },
): void {
  const { step, item, attempt } = of;
  const { callId, position } = result;
  let output: KeptValue;
  try {
    output = outputOf(run, of, result.output);
  } catch (failure) {
    failAttempt(run, of, { error: errorOf(failure), callId, position });
    return;
  }
  const done = { kind: "done", ...refOf(step, item), attempt, output } as const;
  run.record({ ...done, ...originOf(callId, position) });
  if (run.planned(step).isLoop) run.underWay.dirty.add(step);
}

function outputOf(run: LiveRun, of: AttemptOf, output: KeptValue): KeptValue {
  const template = run.planned(of.step).step.output;
  if (template === undefined) return output;
  return keptOf(withKept(withPlain(scopeOf(run, of), { error: null }), { output }), template, "output");
}
