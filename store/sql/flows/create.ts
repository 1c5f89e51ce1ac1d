/** New runs. */
import type { CreatedRun } from "../../flows/runs.ts";
import { keepBodies } from "../bodies/refs.ts";
import { keyName, knownKeys, repeated, takeKeys } from "../calls/keys.ts";
import type { At } from "../calls/totals.ts";
import { insertAll, type Value, type Work, withRows } from "../work.ts";
import { type NewRow, RUN_COLUMNS } from "./run-rows.ts";
import { addRunCounts, liveRuns, RunCounts } from "./run-totals.ts";

/** Runs of one request. */
export interface Create {
  readonly runs: readonly NewRow[];
  readonly now: number;
  readonly mostLive: number;
}

/** Stores the runs of several requests. Outcomes are in the order of all their runs. */
export function* createRuns(requests: readonly Create[], at: At): Work<readonly CreatedRun[]> {
  const asked = requests.flatMap(({ runs, mostLive }) => runs.map((run) => ({ run, mostLive })));
  const known = yield* knownKeys(asked.map(({ run }) => run));
  const live = yield* liveRuns([...new Set(asked.map(({ run }) => run.flow))]);
  const accepted: NewRow[] = [];
  const outcomes = asked.map(({ run, mostLive }): CreatedRun => {
    const name = run.idempotency && keyName(run.idempotency);
    const earlier = name === undefined ? undefined : known.get(name);
    if (earlier) return repeated(run, earlier);
    const count = live.get(run.flow) ?? 0;
    if (count >= mostLive) return { refused: "full" };
    live.set(run.flow, count + 1);
    accepted.push(run);
    if (name !== undefined) known.set(name, { call: run.id, fingerprint: run.idempotency!.fingerprint });
    return { id: run.id, isNew: true };
  });
  const lost = yield* takeKeys(accepted, at.now);
  const lostOf = ({ idempotency }: NewRow) => idempotency && lost.get(keyName(idempotency));
  const counts = new RunCounts();
  yield* insertRuns(
    accepted.filter((run) => !lostOf(run)),
    counts,
  );
  yield* addRunCounts(counts, at.shard);
  if (lost.size === 0) return outcomes;
  return asked.map(({ run }, place) => {
    const earlier = lostOf(run);
    return earlier ? repeated(run, earlier) : outcomes[place]!;
  });
}

/** Stores runs in the transaction of something else, which counts them. Their `idempotency` is ignored. */
export function* insertRuns(runs: readonly NewRow[], counts: RunCounts): Work<void> {
  if (runs.length === 0) return;
  const rows = runs.map(({ values }) => values);
  yield* insertAll(`runs (${RUN_COLUMNS}, owner, claimed_at, due_at)`, rows, "");
  yield* insertEntries(runs.map(({ id, entries }) => [id, 1, entries]));
  yield* keepBodiesOf(runs);
  for (const { flow } of runs) counts.add(flow, "begun");
}

export function* insertEntries(rows: readonly (readonly Value[])[]): Work<void> {
  yield* insertAll("run_entries (run, first, entries)", rows, "");
}

/** Bodies that entries refer to live as long as the run. */
export function* keepBodiesOf(
  runs: readonly { readonly id: string; readonly bodies: readonly string[] }[],
): Work<void> {
  const pairs = new Map(
    runs.flatMap(({ id, bodies }) => bodies.map((body) => [`${id} ${body}`, [id, body]])),
  );
  if (pairs.size === 0) return;
  const added = yield* withRows({
    text: "INSERT INTO run_bodies (run, body) VALUES {rows} ON CONFLICT (run, body) DO NOTHING RETURNING body",
    values: [],
    rows: [...pairs.values()],
  });
  yield* keepBodies(added.map(({ body }) => ({ id: body as string, bytes: 0 })));
}
