import { DatabaseSync, type StatementSync } from "node:sqlite";
import { FREE_SPACE, isDiskFull } from "../../disk-full.ts";
import type { Content, SourceType } from "../../platform.ts";
import type { Settings } from "../../settings.ts";

/** What the platform keeps in memory about a stored version: everything but source and bundle. */
export interface VersionRecord {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly settings: Settings;
  readonly createdAt: Date;
}

/** A version with what was posted and built. */
export interface WholeVersion extends VersionRecord, Content {}

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

/** Temporary files would be outside of the data folder, and would keep what was removed. */
const SETTINGS = `
  PRAGMA locking_mode = EXCLUSIVE; PRAGMA foreign_keys = ON;
  PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL`;

type Row = Record<string, unknown>;

/**
 * Functions and their versions in SQLite. A commit is on the disk when it returns (synchronous=FULL), so
 * an acknowledged deploy outlives a crash. The lock is exclusive: one Skiff per data folder. What was
 * removed is overwritten, in the database and in its log.
 */
export class StoreDatabase {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** The log may have what is not in the database any more. */
  #logHasRemoved = true;

  /**
   * Locks the file and writes nothing into one that is there.
   * @throws Error if another process has the data folder, or a newer Skiff wrote it
   */
  constructor(file: string) {
    this.#file = file;
    this.#db = new DatabaseSync(file, { open: false });
    try {
      this.#db.open();
      this.#db.exec(SETTINGS);
      this.#db.exec("BEGIN EXCLUSIVE; COMMIT");
    } catch (error) {
      throw this.#unusable(error);
    }
    const version = this.#schemaVersion();
    if (version > SCHEMA_VERSION) {
      this.#db.close();
      throw new Error(`${file} was written by a newer Skiff (schema ${version}); start that one.`);
    }
  }

  /** Makes what a new database needs; writes nothing into one that has it. Comes before everything else. */
  prepare(): void {
    try {
      this.#db.exec("PRAGMA journal_mode = WAL");
      if (this.#schemaVersion() < SCHEMA_VERSION) {
        this.#transaction(() => this.#db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`));
      }
    } catch (error) {
      throw this.#unusable(error);
    }
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

  read(name: string, version: number): WholeVersion | undefined {
    const row = this.#sql(`
      SELECT name, version, hash, settings, created_at, source_type, source, CAST(bundle AS BLOB) AS bundle
      FROM versions WHERE name = ? AND version = ?`).get(name, version) as Row | undefined;
    if (!row) return undefined;
    const source = { bytes: row.source as Uint8Array, type: row.source_type as SourceType };
    return { ...versionRecord(row), source, bundle: { code: row.bundle as Uint8Array } };
  }

  /**
   * Makes `version` the current one and removes all but the newest `keep`. Durable when it returns.
   * @returns why something removed can still be read in the file, in words; undefined if nothing can
   */
  publish(version: WholeVersion, keep: number): string | undefined {
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
      this.#delete("DELETE FROM versions WHERE name = ? AND version <= ?", name, number - keep);
    });
    return this.#cleanLog();
  }

  /** Removes a function with all its versions; as `publish`. */
  remove(name: string): string | undefined {
    this.#transaction(() => this.#delete("DELETE FROM functions WHERE name = ?", name));
    return this.#cleanLog();
  }

  close(): void {
    this.#db.close();
  }

  #schemaVersion(): number {
    return (this.#db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
  }

  /** Closes it. */
  #unusable(error: unknown): Error {
    if (this.#db.isOpen) this.#db.close();
    const { errcode, message } = error as Error & { errcode?: number };
    const why =
      errcode === SQLITE_BUSY
        ? "is in use by another Skiff; stop it, or choose another folder with --data"
        : isDiskFull(error)
          ? `cannot be written: the disk is full; ${FREE_SPACE}`
          : `cannot be used: ${message}; restore it, or choose another folder with --data`;
    return new Error(`${this.#file} ${why}.`, { cause: error });
  }

  #sql(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #delete(text: string, ...values: (string | number)[]): void {
    if (this.#sql(text).run(...values).changes !== 0) this.#logHasRemoved = true;
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      // What a large transaction has written to the log stays there when it is rolled back.
      this.#logHasRemoved = true;
      // Of a full disk, for one, SQLite rolls back by itself, and would then fail with that instead.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** The change is committed: that its log cannot be emptied now is no failure of it. The next change tries again. */
  #cleanLog(): string | undefined {
    if (!this.#logHasRemoved) return undefined;
    try {
      this.#sql("PRAGMA wal_checkpoint(TRUNCATE)").get();
      this.#logHasRemoved = false;
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      return `removed data can be read in ${this.#file}-wal until the next deploy or removal: ${message}`;
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
