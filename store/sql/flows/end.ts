/** Runs that end. */
import { sql, type Value, type Work, withRows } from "../work.ts";
import type { AppendRow } from "./append-row.ts";
import type { HeldRun } from "./held-runs.ts";
import { RUN_COLUMNS } from "./run-rows.ts";
import type { CountedRuns, RunCounts } from "./run-totals.ts";

interface Ending {
  readonly runs: ReadonlyMap<string, HeldRun>;
  readonly counts: RunCounts;
}

/** `RUN_COLUMNS` with what the last append says. */
const ENDED_COLUMNS = RUN_COLUMNS.replace("changed_at", "v.column2")
  .replace("sequence", "v.column3")
  .replace("shown", "v.column4")
  .replace("state", "v.column5");

/** Moves those whose last append ends them. Whatever waited for them is dropped. */
export function* endRuns(appends: readonly AppendRow[], { runs, counts }: Ending): Work<void> {
  const ended = appends.filter(({ endedAt }) => endedAt !== undefined);
  if (ended.length === 0) return;
  yield* withRows({
    text: `INSERT INTO ended_runs (${RUN_COLUMNS}, ended_at) SELECT ${ENDED_COLUMNS}, v.column6
      FROM runs JOIN (VALUES {rows}) AS v ON runs.id = v.column1`,
    values: [],
    rows: ended.map(({ run, now, sequence, shown, state, endedAt }): Value[] => [
      run,
      now,
      sequence,
      shown,
      state,
      endedAt!,
    ]),
    types: ["text", "bigint", "bigint", "text", "text", "bigint"],
  });
  const ids = ended.map(({ run }) => run);
  yield sql("DELETE FROM runs WHERE id = ANY($1)", ids);
  for (const table of ["run_checkpoints", "run_signals", "event_waits"])
    yield sql(`DELETE FROM ${table} WHERE run = ANY($1)`, ids);
  for (const { run, state } of ended) {
    const { flow } = runs.get(run)!;
    counts.add(flow, state as CountedRuns).add(flow, "kept");
  }
}
