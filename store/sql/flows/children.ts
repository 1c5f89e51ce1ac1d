/** Runs that are steps of others. */

import { sql, type Work } from "../work.ts";
import type { AppendRow, SignalRow } from "./append-row.ts";
import { insertRuns } from "./create.ts";
import { type HeldRun, heldRunOf } from "./held-runs.ts";
import { liveRuns, type RunCounts } from "./run-totals.ts";

/** Stores the runs that appends begin, up to the bound of their flow. Returns what is told of the others. */
export function* beginChildren(
  appends: readonly AppendRow[],
  { runs, counts }: { readonly runs: Map<string, HeldRun>; readonly counts: RunCounts },
): Work<readonly SignalRow[]> {
  const asked = appends.flatMap(({ runs: children, mostLive = Number.POSITIVE_INFINITY }) =>
    children.map((child) => ({ ...child, mostLive })),
  );
  if (asked.length === 0) return [];
  const live = yield* liveRuns([...new Set(asked.map(({ row }) => row.flow))]);
  const accepted = new Set(
    asked.filter(({ row: { flow }, mostLive }) => {
      const count = live.get(flow) ?? 0;
      if (count >= mostLive) return false;
      live.set(flow, count + 1);
      return true;
    }),
  );
  const rows = [...accepted].map(({ row }) => row);
  yield* insertRuns(rows, counts);
  for (const row of rows) runs.set(row.id, heldRunOf(row));
  return asked.flatMap((child) => (accepted.has(child) ? [] : (child.refusal ?? [])));
}

/**
 * Which of these runs are steps of runs that have ended, or that are about to be cancelled, they or those above them: a tree that is
 * cancelled must not grow until the cancel has come down to its leaves.
 */
export function* forsakenOf(children: readonly string[]): Work<ReadonlySet<string>> {
  if (children.length === 0) return new Set();
  const rows = yield sql(
    `WITH RECURSIVE above (child, id, level) AS (
       SELECT id, parent, 1 FROM runs WHERE id = ANY($1)
       UNION ALL
       SELECT above.child, runs.parent, above.level + 1 FROM above JOIN runs ON runs.id = above.id WHERE runs.parent <> ''
     )
     SELECT DISTINCT child FROM above
     WHERE (level = 1 AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = above.id))
       OR EXISTS (SELECT 1 FROM run_signals WHERE run = above.id AND signal LIKE '{"kind":"cancel"%')`,
    children,
  );
  return new Set(rows.map(({ child }) => child as string));
}
