/** What is known of runs. */
import type { Entry } from "../../../platform/flows/run/entry.ts";
import { ENDED_STATES, LIVE_STATES, type RunState } from "../../../platform/flows/run/error.ts";
import type { RestingRuns, RunQuery, RunRecord, Runs } from "../../flows/runs.ts";
import { type Parameter, read, type Work } from "../work.ts";
import { RUN_COLUMNS, recordOf } from "./run-rows.ts";

/** A live run in a row as of an ended one. */
const NO_END = "CAST(NULL AS bigint) AS ended_at";

export function* entriesOf(run: string, after: number, limit: number): Work<readonly Entry[]> {
  const rows = yield read(
    `SELECT first, entries FROM run_entries WHERE run = $1 AND first <= $3 AND first >= COALESCE(
       (SELECT MAX(first) FROM run_entries WHERE run = $1 AND first <= $2), 0
     ) ORDER BY first`,
    run,
    after + 1,
    after + limit,
  );
  const [oldest] = rows;
  if (!oldest) return [];
  const entries = rows.flatMap((row) => JSON.parse(row.entries as string) as Entry[]);
  const skipped = after + 1 - Number(oldest.first);
  return entries.slice(skipped, skipped + limit);
}

export function* checkpointOf(run: string): Work<Awaited<ReturnType<Runs["checkpoint"]>>> {
  const [row] = yield read("SELECT sequence, state FROM run_checkpoints WHERE run = $1", run);
  return row && { sequence: Number(row.sequence), state: row.state as string };
}

export function* getRun(run: string): Work<RunRecord | undefined> {
  const [row] = yield read(
    `SELECT ${RUN_COLUMNS}, ${NO_END} FROM runs WHERE id = $1
     UNION ALL SELECT ${RUN_COLUMNS}, ended_at FROM ended_runs WHERE id = $1`,
    run,
  );
  return row && recordOf(row);
}

/** Newest first. */
export function* listRuns(query: RunQuery): Work<readonly RunRecord[]> {
  const values: Parameter[] = [];
  const limit = `LIMIT $${values.push(query.limit)}`;
  const where = conditionsOf(query, values);
  // The first ones of each state come from an index. One statement reads one state of the tables.
  const parts = [
    ...partsOf(LIVE_STATES, query).map((state) => ["runs", NO_END, state]),
    ...partsOf(ENDED_STATES, query).map((state) => ["ended_runs", "ended_at", state]),
  ].map(([table, endedAt, state], place) => {
    const conditions = [...(state ? [`state = '${state}'`] : []), ...where];
    const condition = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    return `SELECT * FROM (
      SELECT ${RUN_COLUMNS}, ${endedAt} FROM ${table} ${condition} ORDER BY id DESC ${limit}
    ) AS part${place}`;
  });
  if (parts.length === 0) return [];
  const rows = yield read(`${parts.join(" UNION ALL ")} ORDER BY id DESC ${limit}`, ...values);
  return rows.map(recordOf);
}

/** The states to read one by one; undefined for all of the table at once, which it has in order. */
function partsOf(has: readonly RunState[], { states, flow }: RunQuery): readonly (RunState | undefined)[] {
  const asked = has.filter((state) => states === undefined || states.includes(state));
  return flow === undefined && asked.length === has.length ? [undefined] : asked;
}

function conditionsOf(query: RunQuery, values: Parameter[]): readonly string[] {
  const { flow, parent, acceptedSince, acceptedUntil, after } = query;
  const where: string[] = [];
  const add = (value: Parameter | undefined, condition: (place: string) => string) => {
    if (value !== undefined) where.push(condition(`$${values.push(value)}`));
  };
  add(flow, (place) => `flow = ${place}`);
  add(parent, (place) => `parent <> '' AND parent = ${place}`);
  add(acceptedSince, (place) => `accepted_at >= ${place}`);
  add(acceptedUntil, (place) => `accepted_at < ${place}`);
  add(after, (place) => `id < ${place}`);
  return where;
}

/** The oldest ones first. */
export function* stuckRuns({ owner, before, limit }: Parameters<Runs["stuck"]>[0]): Work<RestingRuns> {
  const own = yield read(
    `SELECT ${RUN_COLUMNS} FROM runs WHERE owner = $1 AND state IN ('queued', 'running') AND changed_at < $2
     ORDER BY id LIMIT $3`,
    owner,
    before,
    limit,
  );
  const lost = yield read(
    `SELECT ${RUN_COLUMNS} FROM runs WHERE owner IS NOT NULL AND owner <> $1 AND changed_at < $2
       AND NOT EXISTS (SELECT 1 FROM engines WHERE engines.owner = runs.owner AND beat_at >= $2)
     UNION ALL
     SELECT ${RUN_COLUMNS} FROM runs
     WHERE state IN ('queued', 'running') AND owner IS NULL AND due_at IS NULL AND changed_at < $2
     ORDER BY id LIMIT $3`,
    owner,
    before,
    limit,
  );
  const due = yield read(
    `SELECT ${RUN_COLUMNS} FROM runs WHERE due_at < $1 ORDER BY due_at, id LIMIT $2`,
    before,
    limit,
  );
  return { own: own.map(recordOf), lost: lost.map(recordOf), due: due.map(recordOf) };
}
