import type { PlannedStep } from "../fold/plan.ts";
import type { LiveRun } from "../live-run.ts";
import { errorOf } from "../values/failure.ts";
import { listOf, stepScope } from "../values/scope.ts";
import { isTrue } from "../values/values.ts";
import { isDiverted } from "./diverted.ts";
import { failStep } from "./fail.ts";
import { nextItems, nextIteration } from "./loop.ts";
import { start } from "./start.ts";

/** Does what follows for a step whose predecessors are settled. Doing it twice changes nothing. Throws `Unloaded`. */
export function consider(run: LiveRun, name: string): void {
  const planned = run.planned(name);
  const { state } = run.data(name);
  if (state === "active" && planned.step.each !== undefined) {
    nextItems(run, planned);
    return;
  }
  if (run.isFrozen(planned)) return;
  if (state === "active" && planned.isLoop) {
    if (run.isFull) run.underWay.dirty.add(name);
    else nextIteration(run, planned);
    return;
  }
  if (state === "pending") begin(run, planned);
}

function begin(run: LiveRun, planned: PlannedStep): void {
  const { name, step, isLoop } = planned;
  try {
    const why = skipped(run, planned);
    if (why !== undefined) {
      run.record({ kind: "skipped", step: name, why });
      return;
    }
    if (step.each !== undefined) run.record({ kind: "listed", step: name, items: listOf(run, name).length });
  } catch (failure) {
    failStep(run, name, errorOf(failure));
    return;
  }
  if (step.each !== undefined) nextItems(run, planned);
  else if (isLoop) nextIteration(run, planned);
  else start(run, { step: name });
}

type Why = "if" | "else" | "needs" | "catch";

function skipped(run: LiveRun, planned: PlannedStep): Why | undefined {
  const { name, step, needs, catchers } = planned;
  if (catchers.length > 0 && !catchers.some((catcher) => run.data(catcher).then === name)) return "catch";
  if (needs.length > 0 && needs.every((need) => run.data(need).state !== "done")) return "needs";
  if (isDiverted(run, planned)) return "needs";
  if (step.else !== undefined && run.data(step.else).why !== "if") return "else";
  if (step.if === undefined) return undefined;
  return isTrue(stepScope(run, name), step.if, "if") ? undefined : "if";
}
