import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openDatabase, schemaVersion, unusable } from "../../platform/sqlite/database-file.ts";
import { SQLITE } from "../sql/dialect.ts";
import { MIGRATIONS } from "../sql/schema.ts";
import type { Row, Statement, Work } from "../sql/work.ts";
import { WORKS, type WorkName } from "../sql/works.ts";
import { inputOf, textOf } from "./translate.ts";

export interface Asked {
  readonly method: WorkName;
  readonly args: readonly unknown[];
}

export type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** Usage, audit and events in SQLite. A commit is on the disk when it returns (synchronous=FULL). */
export class HistoryDatabase {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Locks the file and migrates it.
   * @throws Error if another process has it, or a newer Skiff wrote it
   */
  constructor(file: string) {
    this.#db = openDatabase(file, MIGRATIONS.length);
    try {
      this.#db.exec("PRAGMA journal_mode = WAL");
      this.#migrate(schemaVersion(this.#db));
    } catch (error) {
      throw unusable(this.#db, file, error);
    }
  }

  /** Runs works in one transaction, so that one write to the disk makes them all durable. One that fails is undone alone. */
  runAll(asked: readonly Asked[]): Outcome[] {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const outcomes = asked.map((each) => this.#runOne(each));
      this.#db.exec("COMMIT");
      return outcomes;
    } catch (error) {
      // SQLite may have rolled back by itself, for instance on a full disk. ROLLBACK would fail then.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      return asked.map(() => ({ error }));
    }
  }

  close(): void {
    this.#db.close();
  }

  #runOne({ method, args }: Asked): Outcome {
    this.#db.exec("SAVEPOINT work");
    try {
      const work = (WORKS[method] as (...args: readonly unknown[]) => Work<unknown>)(...args);
      const result = this.#carryOut(work);
      this.#db.exec("RELEASE work");
      return { result };
    } catch (error) {
      if (!this.#db.isTransaction) throw error;
      this.#db.exec("ROLLBACK TO work; RELEASE work");
      return { error };
    }
  }

  #carryOut(work: Work<unknown>): unknown {
    let step = work.next([]);
    while (!step.done) step = work.next(this.#rows(step.value));
    return step.value;
  }

  #rows(statement: Statement): Row[] {
    const text = textOf(statement);
    if (text === "") return [];
    const prepared = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, prepared);
    const values = statement.values.map(inputOf);
    if (!statement.rows) return prepared.all(...values) as Row[];
    return statement.rows.flatMap((row) => prepared.all(...values, ...row.map(inputOf)) as Row[]);
  }

  #migrate(version: number): void {
    if (version === MIGRATIONS.length) return;
    this.#db.exec("BEGIN IMMEDIATE");
    for (const migration of MIGRATIONS.slice(version)) this.#db.exec(migration(SQLITE));
    this.#db.exec(`PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  }
}
