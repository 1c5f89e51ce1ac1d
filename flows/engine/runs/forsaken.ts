import type { Append, RunRecord } from "../../../store/flows/runs.ts";

/** What ends a claimed run in which nothing must begin, and tells the run that it is a step of. See ClaimedRuns. */
export function endOfForsaken({ id, parent, sequence }: RunRecord, owner: string, now: number): Append {
  if (parent === undefined) throw new Error(`the run ${id} is no step of another one`);
  const { run: to, ...of } = parent;
  const by = `run ${to}`;
  const end = { kind: "ended", at: now, state: "cancelled", by } as const;
  return {
    ...{ run: id, owner, after: sequence, now },
    entries: [{ kind: "cancelling", at: now, by }, end],
    row: { state: "cancelled", endedAt: now },
    signals: [{ run: to, signal: { kind: "flow", ...of, run: id, end } }],
  };
}
