import { unbegunEnd } from "../../../platform/flows/run/cancellation.ts";
import type { RunRecord } from "../../../store/flows/runs.ts";
import type { RunServices } from "./owned-run-options.ts";

/** Ends a claimed run in which nothing must begin, and tells the run that it is a step of. See ClaimedRuns. */
export async function endForsaken(
  { id, flow, parent, sequence }: RunRecord,
  owner: string,
  { runs, counts, now, print }: Pick<RunServices, "runs" | "counts" | "now" | "print">,
): Promise<void> {
  if (parent === undefined) throw new Error(`the run ${id} is no step of another one`);
  const { run: to, ...of } = parent;
  const at = now();
  const { end, entries, row } = unbegunEnd({ by: `run ${to}` }, at);
  const signals = [{ run: to, signal: { kind: "flow", ...of, run: id, end } }] as const;
  try {
    const appended = await runs.append({ run: id, owner, after: sequence, now: at, entries, row, signals });
    if (appended === "stored") counts.ended.cancelled++;
  } catch (error) {
    // A beat frees what was claimed and is not held.
    print(`the run ${id} of the flow ${flow} cannot be cancelled: ${(error as Error).message}`);
  }
}
