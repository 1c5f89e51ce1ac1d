/** Runs that end. */
import { unbegunEnd } from "../../../platform/flows/run/cancellation.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { sql, type Value, type Work, withRows } from "../work.ts";
import type { AppendRow, SignalRow } from "./append-row.ts";
import { insertEntries } from "./create.ts";
import type { HeldRun } from "./held-runs.ts";
import { parentOf, RUN_COLUMNS } from "./run-rows.ts";
import type { CountedRuns, RunCounts } from "./run-totals.ts";

type EndRow = Pick<AppendRow, "run" | "now" | "sequence" | "shown" | "state" | "endedAt">;

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
export function* endRuns(appends: readonly EndRow[], { runs, counts }: Ending): Work<void> {
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

/** Ends runs that no engine has begun and that somebody cancels. Returns what is told to the runs that they are steps of. */
export function* cancelQueued(
  signals: readonly SignalRow[],
  { runs, counts, now }: Ending & { readonly now: number },
): Work<readonly SignalRow[]> {
  const cancels = new Map<string, string>();
  for (const { run, cancelledBy, signal } of signals)
    if (cancelledBy !== undefined && !cancels.has(run) && isUnbegun(runs.get(run))) cancels.set(run, signal);
  if (cancels.size === 0) return [];
  const ids = [...cancels.keys()];
  const parents = new Map(
    (yield sql("SELECT id, spec FROM runs WHERE id = ANY($1)", ids)).map((row) => [
      row.id as string,
      parentOf(row),
    ]),
  );
  const told: SignalRow[] = [];
  const ends = ids.map((id) => {
    const why = JSON.parse(cancels.get(id)!) as Extract<Signal, { kind: "cancel" }>;
    const { end, entries, row } = unbegunEnd(why, now);
    const parent = parents.get(id);
    if (parent !== undefined && why.by !== `run ${parent.run}`) {
      const { run, ...of } = parent;
      const signal: Signal = { kind: "flow", ...of, run: id, end };
      told.push({ run, signal: JSON.stringify(signal) });
    }
    return { id, entries, row };
  });
  yield* insertEntries(ends.map(({ id, entries }): Value[] => [id, 2, JSON.stringify(entries)]));
  yield* endRuns(
    ends.map(({ id, entries, row: { state, endedAt, ...shown } }) => ({
      ...{ run: id, now, state, endedAt, sequence: 1 + entries.length, shown: JSON.stringify(shown) },
    })),
    { runs, counts },
  );
  for (const id of ids) runs.get(id)!.isLive = false;
  return told;
}

/** It has its first entry alone, and nobody has it. */
function isUnbegun(run: HeldRun | undefined): boolean {
  return run?.isLive === true && run.state === "queued" && run.owner === null && run.sequence === 1;
}
