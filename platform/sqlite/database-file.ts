import { DatabaseSync } from "node:sqlite";
import { FREE_SPACE, isDiskFull } from "../shortage.ts";

const SQLITE_BUSY = 5;

/** Temporary files would be outside the data folder and keep removed data, so they stay in memory. */
const SETTINGS = `
  PRAGMA locking_mode = EXCLUSIVE; PRAGMA foreign_keys = ON;
  PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL`;

/**
 * Locks the file. An existing file is not written.
 * @param newest the newest schema that this Skiff knows
 * @throws Error if another process has the data folder, or a newer Skiff wrote it
 */
export function openDatabase(file: string, newest: number): DatabaseSync {
  const db = new DatabaseSync(file, { open: false });
  try {
    db.open();
    db.exec(SETTINGS);
    db.exec("BEGIN EXCLUSIVE; COMMIT");
  } catch (error) {
    throw unusable(db, file, error);
  }
  const version = schemaVersion(db);
  if (version <= newest) return db;
  db.close();
  throw new Error(`${file} was written by a newer Skiff (schema ${version}); start that version.`);
}

export function schemaVersion(db: DatabaseSync): number {
  return (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

/** Closes the database and returns an error with advice for the operator. */
export function unusable(db: DatabaseSync, file: string, error: unknown): Error {
  if (db.isOpen) db.close();
  const { errcode, message } = error as Error & { errcode?: number };
  const why =
    errcode === SQLITE_BUSY
      ? "is in use by another Skiff; stop it, or choose another folder with --data"
      : isDiskFull(error)
        ? `cannot be written: the disk is full; ${FREE_SPACE}`
        : `cannot be used: ${message}; restore it, or choose another folder with --data`;
  return new Error(`${file} ${why}.`, { cause: error });
}
