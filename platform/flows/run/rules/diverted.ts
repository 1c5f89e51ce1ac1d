import type { PlannedStep } from "../fold/plan.ts";
import type { LiveRun } from "../live-run.ts";

/**
 * Returns whether a need went another way: it was caught, or was skipped because of one that was. A join of a payment and a
 * reservation must not run when the payment was declined. A step that comes after the step of the catch too brings both ways
 * together, and runs.
 */
export function isDiverted(run: LiveRun, { needs }: PlannedStep): boolean {
  return needs.some((need) =>
    instead(run, need).some((then) => !needs.some((other) => comesAfter(run, other, then))),
  );
}

/** The steps of catches that took the place of a step. */
function instead(run: LiveRun, name: string): string[] {
  const found: string[] = [];
  walk([name], (each) => {
    const { state, why, then } = run.data(each);
    if (state === "caught" && then !== undefined) found.push(then);
    return state === "skipped" && why === "needs" ? run.planned(each).needs : [];
  });
  return found;
}

function comesAfter(run: LiveRun, name: string, other: string): boolean {
  let isAfter = false;
  walk([name], (each) => {
    isAfter ||= each === other;
    return isAfter ? [] : run.planned(each).before;
  });
  return isAfter;
}

/** Visits each step once. `next` returns those to visit after it. */
function walk(first: readonly string[], next: (name: string) => readonly string[]): void {
  const seen = new Set(first);
  // A set is iterated in the order of insertion, with what is added meanwhile.
  for (const name of seen) for (const following of next(name)) seen.add(following);
}
