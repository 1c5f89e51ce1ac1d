import type { KeptValue } from "../entry.ts";
import type { PlannedStep } from "../fold/plan.ts";
import type { LiveRun } from "../live-run.ts";
import { isTooDeep, TOO_DEEP } from "../values/depth.ts";
import { errorOf, Unloaded } from "../values/failure.ts";
import { iterationScope, listOf, stepScope } from "../values/scope.ts";
import { compose, isTrue } from "../values/values.ts";
import { failStep } from "./fail.ts";
import { start } from "./start.ts";

/** Starts as many items as may run, and settles the step after the last one. */
export function nextItems(run: LiveRun, planned: PlannedStep): void {
  const { name, step } = planned;
  const data = run.data(name);
  const items = data.items!;
  if (data.done === items && data.bytes > run.options.limits.flowOutputBytes) {
    run.record({ kind: "settled", step: name, output: wholeList(run, name) });
    run.lists.delete(name);
    return;
  }
  if (data.done === items) {
    const outputs = compose(
      run,
      data.units.map(({ output }) => output!),
    );
    if (isTooDeep(outputs)) {
      const message = `Step \`${name}\`: the list of its outputs is ${TOO_DEEP}.`;
      failStep(run, name, { type: "invalid_output", message });
      return;
    }
    run.record({ kind: "settled", step: name, output: { json: outputs } });
    run.lists.delete(name);
    return;
  }
  if (run.isFrozen(planned)) return;
  // The list is evaluated again after a crash; its length is that of the entry.
  if (listOf(run, name).length !== items) throw new Error(`The list of step ${name} changed`);
  const { cursors } = run.underWay;
  for (let item = cursors.get(name) ?? 0; item < items && data.busy < step.concurrency; item++) {
    if (run.isFull) {
      run.underWay.dirty.add(name);
      return;
    }
    if ((data.units[item]?.state ?? "new") === "new") start(run, { step: name, item });
    cursors.set(name, item + 1);
  }
}

/** A list that no expression reads is made by the owner, one output after the other. Throws `Unloaded`. */
function wholeList(run: LiveRun, name: string): KeptValue {
  const { units, bytes } = run.data(name);
  const attempts = units.reduce((sum, { attempt }) => sum + attempt, 0);
  const id = `list of ${run.state.begun.run}/${name}/${attempts}`;
  const list = { body: id, bytes, type: "application/json", list: units.map(({ output }) => output!) };
  const made = run.options.value(list);
  if (made === undefined) throw new Unloaded([list]);
  return made.json as KeptValue;
}

/** Starts the next iteration if the condition holds, and settles the step otherwise. */
export function nextIteration(run: LiveRun, { name, step }: PlannedStep): void {
  const data = run.data(name);
  if (data.busy > 0) return;
  const iteration = data.done;
  try {
    const scope = iterationScope(stepScope(run, name), iteration);
    if (!isTrue(scope, step.while!, "while")) {
      run.record({ kind: "settled", step: name, output: scope.kept.last! });
      return;
    }
  } catch (failure) {
    failStep(run, name, errorOf(failure));
    return;
  }
  const most = step.max ?? run.options.limits.flowItems;
  if (iteration < most) {
    start(run, { step: name, item: iteration });
    return;
  }
  const message = `Step \`${name}\`: \`while\` is still true after ${most} iterations, which \`max\` allows.`;
  failStep(run, name, { type: "too_many_iterations", message });
}
