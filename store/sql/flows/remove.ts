/** Ended runs that are removed, in batches that hold no lock for long. */
import { ENDED_STATES } from "../../../platform/flows/run/error.ts";
import type { Runs } from "../../flows/runs.ts";
import { dropBodyIds } from "../bodies/refs.ts";
import { dropKeys } from "../calls/keys.ts";
import { read, sql, type Work } from "../work.ts";
import { removeOldEngines } from "./engines.ts";
import { onceOf } from "./run-rows.ts";
import { addRunCounts, keptRuns, RunCounts } from "./run-totals.ts";

/** Each may have thousands of entries. */
const REMOVED_AT_ONCE = 100;

/** Removes a batch of what is too old, or too much of a flow. Returns whether more is left. */
export function* removeOldRuns(
  { before, most }: Parameters<Runs["removeOld"]>[0],
  shard: number,
): Work<boolean> {
  const old = yield read(
    `SELECT id FROM ended_runs WHERE ended_at < $1 ORDER BY ended_at LIMIT ${REMOVED_AT_ONCE}`,
    before,
  );
  let isMore = old.length === REMOVED_AT_ONCE;
  const ids = new Set(old.map(({ id }) => id as string));
  for (const [flow, kept] of yield* keptRuns()) {
    const excess = kept - most;
    if (excess > 0) for (const id of yield* oldestOf(flow, Math.min(excess, REMOVED_AT_ONCE))) ids.add(id);
    isMore ||= excess > REMOVED_AT_ONCE;
  }
  yield* removeRuns([...ids], shard);
  yield* removeOldEngines(before);
  return isMore;
}

function* oldestOf(flow: string, limit: number): Work<readonly string[]> {
  const parts = ENDED_STATES.map(
    (state) => `SELECT * FROM (
      SELECT id FROM ended_runs WHERE flow = $1 AND state = '${state}' ORDER BY id LIMIT $2
    ) AS ${state}_runs`,
  );
  const rows = yield read(`${parts.join(" UNION ALL ")} ORDER BY id LIMIT $2`, flow, limit);
  return rows.map(({ id }) => id as string);
}

/** Removes those of the runs that ended. Returns how many. */
export function* removeRuns(runs: readonly string[], shard: number): Work<number> {
  if (runs.length === 0) return 0;
  const found = yield sql("SELECT id FROM ended_runs WHERE id = ANY($1) ORDER BY id FOR UPDATE", runs);
  const ids = found.map(({ id }) => id as string);
  if (ids.length === 0) return 0;
  const removed = yield sql("DELETE FROM ended_runs WHERE id = ANY($1) RETURNING id, flow, spec", ids);
  yield sql("DELETE FROM run_entries WHERE run = ANY($1)", ids);
  yield* dropKeys(
    removed.flatMap((row) => {
      const once = onceOf(row);
      return once ? [{ id: row.id as string, once }] : [];
    }),
  );
  const bodies = yield sql("DELETE FROM run_bodies WHERE run = ANY($1) RETURNING body", ids);
  yield* dropBodyIds(bodies.map(({ body }) => body));
  const counts = new RunCounts();
  for (const { flow } of removed) counts.add(flow as string, "kept", -1);
  yield* addRunCounts(counts, shard);
  return removed.length;
}
