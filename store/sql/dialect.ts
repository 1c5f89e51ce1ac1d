/** What differs between the databases. */
export interface Dialect {
  readonly text: string;
  readonly integer: string;
  readonly real: string;
  readonly bytes: string;
  /** A primary key that counts up and never uses a number again. */
  readonly id: string;
  /** The end of a CREATE TABLE. */
  readonly end: string;
  /** The end of a CREATE TABLE whose rows come and go all the time. */
  readonly busyEnd: string;
  /** Whether it keeps the lines of functions, and long bodies. One machine has them in files. */
  readonly hasLogs: boolean;
}

export const SQLITE: Dialect = {
  text: "TEXT",
  integer: "INTEGER",
  real: "REAL",
  bytes: "BLOB",
  id: "INTEGER PRIMARY KEY AUTOINCREMENT",
  end: "STRICT",
  busyEnd: "STRICT",
  hasLogs: false,
};

/** Texts are compared by bytes, as SQLite compares them. */
export const POSTGRES: Dialect = {
  text: 'text COLLATE "C"',
  integer: "bigint",
  real: "double precision",
  bytes: "bytea",
  id: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  end: "",
  // The next row of a queue is found by walking over the removed ones before it, until they are vacuumed.
  busyEnd:
    "WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0)",
  hasLogs: true,
};

/** Returns statements, separated by semicolons. */
export type Migration = (dialect: Dialect) => string;
