import type { LiveRun } from "../live-run.ts";
import { keyOf, type Ref } from "../under-way.ts";

/** Lets go of what units wait for, or have under way, before an entry ends them. */
export function release(run: LiveRun, refs: readonly Ref[]): void {
  const ended = new Set(run.told.flatMap((one) => ("of" in one ? keyOf(one.of.step, one.of.item) : [])));
  for (const ref of refs) {
    const { step, item } = ref;
    const unit = run.unit(ref)!;
    const of = item === undefined ? { step } : { step, item };
    const key = keyOf(step, item);
    run.refusals.delete(key);
    const isUnmade = [run.refused.delete(key), run.interrupted.delete(key), ended.has(key)].includes(true);
    if (unit.state === "running" && !isUnmade) {
      run.draft.aborts.push({ ...of, attempt: unit.attempt });
    }
    if (unit.state === "waiting" && unit.for?.kind === "event") run.draft.waitsOver.push(of);
    if (unit.state === "waiting" && unit.for?.kind === "flow") run.draft.cancels.push(unit.for.run);
  }
}
