/** Counts of every flow since its first run. */
import type { RunState } from "../../../platform/flows/run/error.ts";
import type { FlowTotals } from "../../flows/runs.ts";
import { read, sql, type Work, withRows } from "../work.ts";

const COUNTED = ["begun", "done", "failed", "cancelled", "kept"] as const;
const ENDED = ["done", "failed", "cancelled"] as const;

/** A run that is live again after it ended has begun once more. `kept` are the records of ended runs that there are. */
export type CountedRuns = (typeof COUNTED)[number];

/** What a transaction counts, by flow. */
export class RunCounts {
  readonly #flows = new Map<string, Record<CountedRuns, number>>();

  add(flow: string, what: CountedRuns, count = 1): this {
    const counts = this.#flows.get(flow) ?? { begun: 0, done: 0, failed: 0, cancelled: 0, kept: 0 };
    counts[what] += count;
    this.#flows.set(flow, counts);
    return this;
  }

  /** Rows of the table, in one order everywhere, so that two transactions lock them in the same order. */
  rows(shard: number): (string | number)[][] {
    return [...this.#flows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([flow, counts]) => [flow, shard, ...COUNTED.map((what) => counts[what])]);
  }
}

/** Comes late in its transaction: others that count in the same rows wait from here to the commit. */
export function* addRunCounts(counts: RunCounts, shard: number): Work<void> {
  const add = COUNTED.map((what) => `${what} = run_totals.${what} + excluded.${what}`).join(", ");
  yield* withRows({
    text: `INSERT INTO run_totals (flow, shard, ${COUNTED.join(", ")}) VALUES {rows}
      ON CONFLICT (flow, shard) DO UPDATE SET ${add}`,
    values: [],
    rows: counts.rows(shard),
  });
}

/** Runs of each flow that live. Those of transactions under way are not among them. */
export function* liveRuns(flows: readonly string[]): Work<Map<string, number>> {
  const rows = yield sql(
    `SELECT flow, SUM(begun - done - failed - cancelled) AS live FROM run_totals WHERE flow = ANY($1) GROUP BY flow`,
    flows,
  );
  return new Map(rows.map((row) => [row.flow as string, Number(row.live)]));
}

/** Runs of each flow that ended and are kept. */
export function* keptRuns(): Work<Map<string, number>> {
  const rows = yield read("SELECT flow, SUM(kept) AS kept FROM run_totals GROUP BY flow ORDER BY flow");
  return new Map(rows.map((row) => [row.flow as string, Number(row.kept)]));
}

export function* flowTotals(): Work<readonly FlowTotals[]> {
  const sums = yield read(
    `SELECT flow, SUM(done) AS done, SUM(failed) AS failed, SUM(cancelled) AS cancelled
     FROM run_totals GROUP BY flow ORDER BY flow`,
  );
  const states = yield read("SELECT flow, state, COUNT(*) AS runs FROM runs GROUP BY flow, state");
  const live = Map.groupBy(states, ({ flow }) => flow);
  return sums.map((row) => ({
    flow: row.flow as string,
    live: counts((live.get(row.flow) ?? []).map(({ state, runs }) => [state as RunState, Number(runs)])),
    ended: counts(ENDED.map((state) => [state, Number(row[state])])),
  }));
}

function counts(states: readonly (readonly [RunState, number])[]): FlowTotals["live"] {
  return Object.fromEntries(states.filter(([, count]) => count > 0));
}
