import type { DatabaseSync } from "node:sqlite";
import type { SourceType } from "../../platform.ts";
import { sourceHashSync } from "../../version-hash.ts";

type Migration = (db: DatabaseSync) => void;

/** The schema of Skiff 0.1.0: all calls go to the current version of a function. */
const functionsAndVersions: Migration = (db) => {
  db.exec(`
    CREATE TABLE functions (
      name TEXT PRIMARY KEY, version INTEGER NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE versions (
      name TEXT NOT NULL REFERENCES functions (name) ON DELETE CASCADE, version INTEGER NOT NULL,
      hash TEXT NOT NULL, settings TEXT NOT NULL, created_at INTEGER NOT NULL,
      source_type TEXT NOT NULL, source BLOB NOT NULL, bundle TEXT NOT NULL,
      PRIMARY KEY (name, version)
    ) STRICT;`);
};

/**
 * Adds the traffic of each function and the hash of each source. The hashes have their own table: a column added to
 * `versions` would rewrite every source and bundle, and reading it would read all of their pages.
 */
const trafficAndSourceHashes: Migration = (db) => {
  db.exec(`
    CREATE TABLE source_hashes (
      name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
      PRIMARY KEY (name, version),
      FOREIGN KEY (name, version) REFERENCES versions (name, version) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE traffic (
      name TEXT NOT NULL REFERENCES functions (name) ON DELETE CASCADE, version INTEGER NOT NULL,
      weight INTEGER NOT NULL, place INTEGER NOT NULL,
      PRIMARY KEY (name, version),
      FOREIGN KEY (name, version) REFERENCES versions (name, version)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO traffic SELECT name, version, 1, 0 FROM functions;
    ALTER TABLE functions DROP COLUMN version;`);
  const insert = db.prepare("INSERT INTO source_hashes VALUES (?, ?, ?)");
  for (const row of db.prepare("SELECT name, version, source_type, source FROM versions").iterate()) {
    const source = { type: row.source_type as SourceType, bytes: row.source as Uint8Array };
    insert.run(row.name as string, row.version as number, sourceHashSync(source));
  }
};

/** AUTOINCREMENT never uses a revision again, not even that of a removed declaration. */
const declarations: Migration = (db) => {
  db.exec(`
    CREATE TABLE declarations (
      revision INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
      UNIQUE (kind, name)
    ) STRICT;`);
};

/** Adds who deployed each version and why, which versions are pinned, and what a rollback goes back to. */
const notesAndRoutes: Migration = (db) => {
  db.exec(`
    CREATE TABLE version_notes (
      name TEXT NOT NULL, version INTEGER NOT NULL, "by" TEXT NOT NULL, message TEXT, git_commit TEXT,
      pinned INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (name, version),
      FOREIGN KEY (name, version) REFERENCES versions (name, version) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE routes (
      name TEXT PRIMARY KEY REFERENCES functions (name) ON DELETE CASCADE, whole TEXT NOT NULL, rules TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO version_notes (name, version, "by") SELECT name, version, 'unknown' FROM versions;`);
};

/** Values are encrypted. The highest number of a name outlives its removal, so that no number stands for two values. */
const secrets: Migration = (db) => {
  db.exec(`
    CREATE TABLE secrets (
      name TEXT NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, key_id TEXT NOT NULL,
      sealed BLOB NOT NULL,
      PRIMARY KEY (name, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE secret_numbers (name TEXT PRIMARY KEY, highest INTEGER NOT NULL) STRICT, WITHOUT ROWID;`);
};

/** The author of the commit from which a version was deployed. */
const commitAuthors: Migration = (db) => db.exec("ALTER TABLE version_notes ADD COLUMN author TEXT");

/** In order. The schema version of a database is the number of migrations that it has had. */
export const MIGRATIONS: readonly Migration[] = [
  functionsAndVersions,
  trafficAndSourceHashes,
  declarations,
  notesAndRoutes,
  secrets,
  commitAuthors,
];
