import { unbegunEnd } from "../../../platform/flows/run/cancellation.ts";
import type { Append, RunRecord } from "../../../store/flows/runs.ts";

/** What ends a claimed run in which nothing must begin, and tells the run that it is a step of. See ClaimedRuns. */
export function endOfForsaken({ id, parent, sequence }: RunRecord, owner: string, now: number): Append {
  if (parent === undefined) throw new Error(`the run ${id} is no step of another one`);
  const { run: to, ...of } = parent;
  const { end, entries, row } = unbegunEnd({ by: `run ${to}` }, now);
  return {
    ...{ run: id, owner, after: sequence, now, entries, row },
    signals: [{ run: to, signal: { kind: "flow", ...of, run: id, end } }],
  };
}
