import type { LiveRun } from "../live-run.ts";
import { keyOf, type Ref } from "../under-way.ts";

/** Lets go of what units wait for, or have under way, before an entry ends them. */
export function release(run: LiveRun, refs: readonly Ref[]): void {
  for (const ref of refs) {
    const { step, item } = ref;
    const unit = run.unit(ref)!;
    const of = item === undefined ? { step } : { step, item };
    run.refusals.delete(keyOf(step, item));
    const isMade = !run.refused.delete(keyOf(step, item)) && !run.interrupted.delete(keyOf(step, item));
    if (unit.state === "running" && isMade) {
      run.draft.aborts.push({ ...of, attempt: unit.attempt });
    }
    if (unit.state === "waiting" && unit.for?.kind === "event") run.draft.waitsOver.push(of);
    if (unit.state === "waiting" && unit.for?.kind === "flow") run.draft.cancels.push(unit.for.run);
  }
}
