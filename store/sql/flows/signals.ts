/** What others want of runs. */
import type { StoredSignal } from "../../flows/runs.ts";
import type { At } from "../calls/totals.ts";
import { insertAll, read, sql, type Work } from "../work.ts";
import type { SignalRow } from "./append-row.ts";
import { cancelQueued } from "./end.ts";
import { type HeldRun, holdRuns } from "./held-runs.ts";
import { RUN_COLUMNS } from "./run-rows.ts";
import { addRunCounts, RunCounts } from "./run-totals.ts";

/** A run that is cancelled comes before those that have waited for an engine up to this long: it may begin what they are. */
const URGENT_MS = 600_000;

/** Signals of the runs that an engine has, oldest first. */
export function* ownSignals(owner: string, limit: number): Work<readonly StoredSignal[]> {
  const rows = yield read(
    `SELECT run_signals.* FROM run_signals JOIN runs ON runs.id = run_signals.run
     WHERE runs.owner = $1 ORDER BY run_signals.id LIMIT $2`,
    owner,
    limit,
  );
  return rows.map(({ id, run, signal }) => ({
    id: String(id),
    run: run as string,
    signal: JSON.parse(signal as string),
  }));
}

/** Returns which of the runs are live. */
export function* signalRuns(signals: readonly SignalRow[], { now, shard }: At): Work<readonly boolean[]> {
  const ids = signals.map(({ run }) => run);
  const cancelled = signals.flatMap(({ run, cancelledBy }) => (cancelledBy === undefined ? [] : [run]));
  const runs = yield* holdRuns([...ids, ...(yield* parentsOf(cancelled))]);
  const counts = new RunCounts();
  yield* insertSignals(signals, { runs, counts, now });
  yield* addRunCounts(counts, shard);
  return ids.map((run) => runs.has(run));
}

/** The runs that these are steps of, which never changes. */
function* parentsOf(runs: readonly string[]): Work<readonly string[]> {
  if (runs.length === 0) return [];
  const rows = yield sql("SELECT DISTINCT parent FROM runs WHERE id = ANY($1) AND parent <> ''", runs);
  return rows.map(({ parent }) => parent as string);
}

/** Stores signals for runs whose rows are locked. Those of others are dropped. */
export function* insertSignals(
  signals: readonly SignalRow[],
  given: {
    readonly runs: ReadonlyMap<string, HeldRun>;
    readonly counts: RunCounts;
    readonly now: number;
  },
): Work<void> {
  const { runs, now } = given;
  const told = yield* cancelQueued(signals, given);
  const kept = [...signals, ...told].filter(({ run }) => runs.get(run)?.isLive);
  if (kept.length === 0) return;
  yield* insertAll(
    "run_signals (run, signal)",
    kept.map(({ run, signal }) => [run, signal]),
    "",
  );
  const asleep = kept.filter(({ run }) => runs.get(run)!.owner === null);
  const [urgent, others] = [new Set<string>(), new Set<string>()];
  for (const { run, cancelledBy } of asleep) (cancelledBy === undefined ? others : urgent).add(run);
  yield* wake([...urgent], now - URGENT_MS);
  yield* wake([...others], now);
}

function* wake(runs: readonly string[], dueAt: number): Work<void> {
  if (runs.length === 0) return;
  yield sql(
    "UPDATE runs SET due_at = $1 WHERE id = ANY($2) AND (due_at IS NULL OR due_at > $1)",
    dueAt,
    runs,
  );
}

/** Which of the runs have signals. */
export function* signalled(runs: readonly string[]): Work<ReadonlySet<string>> {
  if (runs.length === 0) return new Set();
  const rows = yield sql("SELECT DISTINCT run FROM run_signals WHERE run = ANY($1)", runs);
  return new Set(rows.map(({ run }) => run as string));
}

/** Makes an ended run live again. */
export function* reopenRun({ run, signal }: SignalRow, { now, shard }: At): Work<boolean> {
  const [ended] = yield sql("SELECT flow FROM ended_runs WHERE id = $1 FOR UPDATE", run);
  if (!ended) return false;
  const columns = RUN_COLUMNS.replace("changed_at", "$2").replace(/\bstate\b/, "'queued'");
  yield sql(
    `INSERT INTO runs (${RUN_COLUMNS}, due_at) SELECT ${columns}, $2 FROM ended_runs WHERE id = $1`,
    run,
    now,
  );
  yield sql("DELETE FROM ended_runs WHERE id = $1", run);
  yield* insertAll("run_signals (run, signal)", [[run, signal]], "");
  const counts = new RunCounts();
  counts.add(ended.flow as string, "begun").add(ended.flow as string, "kept", -1);
  yield* addRunCounts(counts, shard);
  return true;
}
