import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Append, RunQuery } from "../../../store/flows/runs.ts";
import { SQLITE } from "../../../store/sql/dialect.ts";
import { appendRow, signalRow } from "../../../store/sql/flows/append-row.ts";
import { newRow } from "../../../store/sql/flows/run-rows.ts";
import { MIGRATIONS } from "../../../store/sql/schema.ts";
import type { Row, Statement, Work } from "../../../store/sql/work.ts";
import { WORKS } from "../../../store/sql/works.ts";
import { inputOf, textOf } from "../../../store/sqlite/translate.ts";
import { NOON, newRun, started } from "../conformance/runs/new-run.ts";

const OWNER = "host/1";
const AT = { now: NOON, shard: 0 };

/** A database in memory that notes its statements and how SQLite finds the rows. */
class Noted {
  readonly #db = new DatabaseSync(":memory:");
  /** The first words of each statement that ran, one for each row on SQLite. */
  readonly statements: string[] = [];
  readonly plans: string[] = [];

  constructor() {
    for (const migration of MIGRATIONS) this.#db.exec(migration(SQLITE));
  }

  run<T>(work: Work<T>): T {
    let step = work.next([]);
    while (!step.done) step = work.next(this.#rows(step.value));
    return step.value;
  }

  close(): void {
    this.#db.close();
  }

  #rows(statement: Statement): Row[] {
    const text = textOf(statement);
    if (text === "") return [];
    const explained = this.#db.prepare(`EXPLAIN QUERY PLAN ${text}`);
    const each = (statement.rows ?? [[]]).map((row) => [...statement.values, ...row].map(inputOf));
    this.plans.push(...explained.all(...(each[0] ?? [])).map(({ detail }) => detail as string));
    return each.flatMap((values) => {
      this.statements.push(text.trim().split(/\s+/).slice(0, 3).join(" "));
      return this.#db.prepare(text).all(...values) as Row[];
    });
  }
}

describe("statements of runs on SQLite", () => {
  let noted: Noted;
  beforeEach(() => {
    noted = new Noted();
  });
  afterEach(() => noted.close());

  const row = { state: "running" } as const;
  const owned = () => newRun({ owned: { owner: OWNER, entries: [], row } });
  const create = (...runs: readonly ReturnType<typeof newRun>[]) =>
    noted.run(WORKS.createRuns([{ runs: runs.map(newRow), now: NOON, mostLive: 10 }], AT));
  const append = (run: string, of: Partial<Append> = {}) =>
    appendRow({ run, owner: OWNER, after: 1, entries: [started("a")], row, now: NOON, ...of });

  it("are one to look and two to write for each append", () => {
    const runs = [owned(), owned(), owned()];
    create(...runs);
    noted.statements.length = 0;
    const appends = runs.map(({ id }) => append(id));
    assert.deepEqual(noted.run(WORKS.appendRuns(appends, AT)), ["stored", "stored", "stored"]);
    const writes = ["UPDATE runs SET", "INSERT INTO run_entries"];
    assert.deepEqual(
      noted.statements.toSorted(),
      ["SELECT id, flow,", ...runs.flatMap(() => writes)].toSorted(),
    );
  });

  it("never read all runs that ended, or all their entries", () => {
    const [first, second] = [owned(), owned()];
    create(first, second, newRun({ idempotency: { scope: "flow/order", key: "k", fingerprint: "f" } }));
    const signal = signalRow({ run: first.id, signal: { kind: "cancel", by: "token" } });
    const ended = { entries: [started("a")], row: { state: "done", endedAt: NOON } } as const;
    noted.run(WORKS.beatEngine(OWNER, NOON, []));
    noted.run(WORKS.claimRuns({ owner: OWNER, now: NOON, limit: 10 }));
    noted.run(WORKS.signalRuns([signal], AT));
    noted.run(WORKS.ownSignals(OWNER, 10));
    noted.run(WORKS.appendRuns([append(first.id, ended), append(second.id)], AT));
    noted.run(WORKS.appendRuns([append(second.id)], AT));
    noted.run(WORKS.entriesOf(first.id, 0, 10));
    noted.run(WORKS.checkpointOf(first.id));
    noted.run(WORKS.getRun(first.id));
    const queries: Partial<RunQuery>[] = [
      {},
      { after: first.id },
      { states: ["failed"] },
      { flow: "order" },
      { flow: "order", states: ["failed", "waiting"] },
      { parent: first.id },
    ];
    for (const query of queries) noted.run(WORKS.listRuns({ limit: 10, ...query }));
    noted.run(WORKS.reopenRun(signal, AT));
    noted.run(WORKS.freeRuns({ of: { prefix: "host/" }, now: NOON, limit: 10 }));
    noted.run(WORKS.engineBeats());
    noted.run(WORKS.stuckRuns({ owner: OWNER, before: NOON, limit: 10 }));
    noted.run(WORKS.flowTotals());
    noted.run(WORKS.removeRuns([first.id], 0));
    noted.run(WORKS.removeOldRuns({ before: NOON, most: 0 }, 0));
    const scans = noted.plans.filter((plan) =>
      /^SCAN (ended_runs|run_entries|run_signals|run_bodies)\b/.test(plan),
    );
    // In the order of the identities, from the newest on, until there are enough.
    const inOrder = scans.filter(
      (plan) => plan === "SCAN ended_runs USING INDEX sqlite_autoindex_ended_runs_1",
    );
    assert.deepEqual(scans, inOrder);
    assert.ok(noted.plans.some((plan) => plan.includes("runs_due (due_at<?)")));
    assert.ok(noted.plans.some((plan) => plan.includes("runs_active")));
  });
});
