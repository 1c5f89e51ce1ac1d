/** What engines add to runs. */
import type { Appended } from "../../flows/runs.ts";
import { insertCalls } from "../calls/insert.ts";
import type { At } from "../calls/totals.ts";
import { insertEvents } from "../topics/publish.ts";
import { sql, type Value, type Work, withRows } from "../work.ts";
import type { AppendRow } from "./append-row.ts";
import { beginChildren } from "./children.ts";
import { insertEntries, keepBodiesOf } from "./create.ts";
import { endRuns } from "./end.ts";
import { type HeldRun, holdRuns, takesAppend } from "./held-runs.ts";
import { addRunCounts, RunCounts } from "./run-totals.ts";
import { insertSignals, signalled } from "./signals.ts";
import { beginWaits, endWaits } from "./waits.ts";

/** Outcomes are in the order of the appends. */
export function* appendRuns(appends: readonly AppendRow[], at: At): Work<readonly Appended[]> {
  const asked = appends.flatMap(({ run, signals }) => [run, ...signals.map((each) => each.run)]);
  const runs = yield* holdRuns(asked);
  const held = appends.filter((append) => takesAppend(runs.get(append.run), append));
  const stored = new Set(held);
  yield* addStoredBefore(appends, stored, runs);
  if (held.length === 0) return outcomes(appends, stored);
  const counts = new RunCounts();
  const taken = held.flatMap((append) => append.taken);
  if (taken.length > 0) yield sql("DELETE FROM run_signals WHERE id = ANY($1)", taken);
  // Of several appends to a run, the last one says what the run is.
  const last = [...new Map(held.map((append) => [append.run, append])).values()];
  yield* writeRows(last, runs);
  yield* insertEntries(
    held.flatMap(({ run, after, entries }) => (entries === "" ? [] : [[run, after + 1, entries]])),
  );
  yield* writeCheckpoints(held);
  yield* endWaits(held);
  yield* beginWaits(held);
  const refusals = yield* beginChildren(held, { runs, counts });
  yield* keepBodiesOf(held.map(({ run, bodies }) => ({ id: run, bodies })));
  yield* endRuns(last, { runs, counts });
  yield* insertSignals([...held.flatMap((append) => append.signals), ...refusals], {
    ...{ runs, counts, now: at.now },
  });
  yield* insertCalls(
    held.flatMap(({ calls = [] }) => calls),
    at,
  );
  yield* addRunCounts(counts, at.shard);
  // Topics are locked last everywhere.
  yield* insertEvents(
    held.flatMap(({ events = [] }) => events),
    at.now,
  );
  return outcomes(appends, stored);
}

function outcomes(appends: readonly AppendRow[], stored: ReadonlySet<AppendRow>): readonly Appended[] {
  return appends.map((append) => (stored.has(append) ? "stored" : "lost"));
}

/** Adds appends that were stored in an earlier transaction, whose engine did not get the answer. */
function* addStoredBefore(
  appends: readonly AppendRow[],
  stored: Set<AppendRow>,
  runs: ReadonlyMap<string, HeldRun>,
): Work<void> {
  for (const append of appends) {
    if (stored.has(append) || append.entries === "" || !mayBeStored(append, runs.get(append.run))) continue;
    const [row] = yield sql(
      "SELECT entries FROM run_entries WHERE run = $1 AND first = $2",
      append.run,
      append.after + 1,
    );
    if (row?.entries === append.entries) stored.add(append);
  }
}

/** Another engine may store equal entries: whoever goes on must have the run. */
function mayBeStored({ owner, sequence, isReleased, endedAt }: AppendRow, run: HeldRun | undefined): boolean {
  if (isReleased || endedAt !== undefined) return true;
  return run?.owner === owner && run.sequence === sequence;
}

function* writeRows(appends: readonly AppendRow[], runs: ReadonlyMap<string, HeldRun>): Work<void> {
  const live = appends.filter(({ endedAt }) => endedAt === undefined);
  // No index has to change for these.
  const plain = live.filter(({ run, state, isReleased }) => !isReleased && runs.get(run)?.state === state);
  yield* withRows({
    text: `UPDATE runs SET shown = v.column2, sequence = v.column3, changed_at = v.column4
      FROM (VALUES {rows}) AS v WHERE runs.id = v.column1`,
    values: [],
    rows: plain.map(({ run, shown, sequence, now }): Value[] => [run, shown, sequence, now]),
    types: ["text", "text", "bigint", "bigint"],
    sqlite: "UPDATE runs SET shown = $2, sequence = $3, changed_at = $4 WHERE id = $1",
  });
  const others = live.filter((append) => !plain.includes(append));
  const due = yield* signalled(others.flatMap(({ run, isReleased }) => (isReleased ? [run] : [])));
  yield* withRows({
    text: `UPDATE runs SET shown = v.column2, sequence = v.column3, changed_at = v.column4, state = v.column5,
        owner = v.column6, due_at = v.column7
      FROM (VALUES {rows}) AS v WHERE runs.id = v.column1`,
    values: [],
    rows: others.map(({ run, shown, sequence, now, state, owner, isReleased, wakeAt }): Value[] => {
      const released = [null, due.has(run) ? now : wakeAt];
      return [run, shown, sequence, now, state, ...(isReleased ? released : [owner, null])];
    }),
    types: ["text", "text", "bigint", "bigint", "text", "text", "bigint"],
    sqlite: `UPDATE runs SET shown = $2, sequence = $3, changed_at = $4, state = $5, owner = $6, due_at = $7
      WHERE id = $1`,
  });
}

function* writeCheckpoints(appends: readonly AppendRow[]): Work<void> {
  const rows = appends.flatMap(({ run, sequence, checkpoint }): [string, Value[]][] =>
    checkpoint === undefined ? [] : [[run, [run, sequence, checkpoint]]],
  );
  yield* withRows({
    text: `INSERT INTO run_checkpoints VALUES {rows} ON CONFLICT (run) DO UPDATE
      SET sequence = excluded.sequence, state = excluded.state`,
    values: [],
    rows: [...new Map(rows).values()],
  });
}
