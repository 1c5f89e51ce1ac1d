import { fieldOf } from "../../../http/fields.ts";
import type { Firing } from "../../../store/timers.ts";
import type { Services } from "../services.ts";
import { requirePart } from "../store.ts";

/** What became of a time at which a run was to begin. */
export type RunFiring = Firing & { readonly run?: string };

/**
 * Adds the run that each time began. A time at which the run of an earlier one lasted is `skipped`: the scheduler fired it, and
 * flows answered 200 instead of 202.
 */
export async function runFirings(
  services: Pick<Services, "store">,
  firings: readonly Firing[],
): Promise<readonly RunFiring[]> {
  const calls = requirePart(services, "calls");
  return await Promise.all(
    firings.map(async (firing) => {
      const answer = firing.call === undefined ? undefined : (await calls.get(firing.call))?.answer;
      if (answer?.status === 200) return { ...firing, outcome: "skipped" as const };
      const run = answer && fieldOf(answer.headers, "skiff-run");
      return run === undefined ? firing : { ...firing, run };
    }),
  );
}
