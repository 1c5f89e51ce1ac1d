import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SourceType, Version } from "../platform.ts";
import type { Settings } from "../settings.ts";

/** What the platform keeps in memory about a stored version: everything but source and bundle. */
export interface VersionRecord {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly settings: Settings;
  readonly createdAt: Date;
}

export interface FunctionRecord {
  readonly createdAt: Date;
  readonly current: VersionRecord;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS functions (
    name TEXT PRIMARY KEY, version INTEGER NOT NULL, created_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS versions (
    name TEXT NOT NULL REFERENCES functions (name) ON DELETE CASCADE, version INTEGER NOT NULL,
    hash TEXT NOT NULL, settings TEXT NOT NULL, created_at INTEGER NOT NULL,
    source_type TEXT NOT NULL, source BLOB NOT NULL, bundle TEXT NOT NULL,
    PRIMARY KEY (name, version)
  ) STRICT;
`;
const SCHEMA_VERSION = 1;
const SQLITE_BUSY = 5;

type Row = Record<string, unknown>;

/**
 * Functions and their versions in SQLite. A commit is on the disk when it returns (synchronous=FULL), so
 * an acknowledged deploy outlives a crash. The lock is exclusive: one Skiff per data folder.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws Error if another process has the data folder, or a newer Skiff wrote it */
  constructor(file: string) {
    this.#db = new DatabaseSync(file, { open: false });
    try {
      this.#db.open();
      this.#db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA foreign_keys = ON");
      this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT");
    } catch (error) {
      if (this.#db.isOpen) this.#db.close();
      const inUse = (error as { errcode?: number }).errcode === SQLITE_BUSY;
      const why = inUse
        ? "is in use by another Skiff; stop it, or choose another folder with --data"
        : `cannot be used: ${(error as Error).message}; restore it, or choose another folder with --data`;
      throw new Error(`${file} ${why}.`, { cause: error });
    }
    const { user_version } = this.#db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (user_version > SCHEMA_VERSION) {
      this.#db.close();
      throw new Error(`${file} was written by a newer Skiff (schema ${user_version}); start that one.`);
    }
    this.#db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`);
  }

  functions(): FunctionRecord[] {
    const rows = this.#sql(`
      SELECT v.name, v.version, v.hash, v.settings, v.created_at, f.created_at AS function_created_at
      FROM functions f JOIN versions v ON v.name = f.name AND v.version = f.version ORDER BY f.name`).all();
    return (rows as Row[]).map((row) => ({
      createdAt: new Date(row.function_created_at as number),
      current: versionRecord(row),
    }));
  }

  versions(name: string): VersionRecord[] {
    const columns = "name, version, hash, settings, created_at";
    const rows = this.#sql(`SELECT ${columns} FROM versions WHERE name = ? ORDER BY version`).all(name);
    return (rows as Row[]).map(versionRecord);
  }

  read(name: string, version: number): Version | undefined {
    const columns = "name, version, hash, settings, created_at, source_type, source";
    const row = this.#sql(
      `SELECT ${columns}, CAST(bundle AS BLOB) AS bundle FROM versions WHERE name = ? AND version = ?`,
    ).get(name, version) as Row | undefined;
    if (!row) return undefined;
    const source = { bytes: row.source as Uint8Array, type: row.source_type as SourceType };
    return { ...versionRecord(row), source, bundle: { code: row.bundle as Uint8Array } };
  }

  /** Makes `version` the current one and forgets all but the newest `keep`. Durable when it returns. */
  publish(version: Version, keep: number): void {
    const { name, version: number, createdAt } = version;
    this.#transaction(() => {
      this.#sql(
        `INSERT INTO functions VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version`,
      ).run(name, number, createdAt.getTime());
      this.#sql("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))").run(
        name,
        number,
        version.hash,
        JSON.stringify(version.settings),
        createdAt.getTime(),
        version.source.type,
        version.source.bytes,
        version.bundle.code,
      );
      this.#sql("DELETE FROM versions WHERE name = ? AND version <= ?").run(name, number - keep);
    });
  }

  remove(name: string): void {
    this.#sql("DELETE FROM functions WHERE name = ?").run(name);
  }

  close(): void {
    this.#db.close();
  }

  #sql(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      // Of a full disk, for one, SQLite rolls back by itself, and would then fail with that instead.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

function versionRecord(row: Row): VersionRecord {
  return {
    name: row.name as string,
    version: row.version as number,
    hash: row.hash as string,
    settings: JSON.parse(row.settings as string) as Settings,
    createdAt: new Date(row.created_at as number),
  };
}
