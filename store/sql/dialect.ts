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
  /** Whether it keeps the lines of functions. One machine has them in files. */
  readonly hasLogs: boolean;
}

export const SQLITE: Dialect = {
  text: "TEXT",
  integer: "INTEGER",
  real: "REAL",
  bytes: "BLOB",
  id: "INTEGER PRIMARY KEY AUTOINCREMENT",
  end: "STRICT",
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
  hasLogs: true,
};

/** Returns statements, separated by semicolons. */
export type Migration = (dialect: Dialect) => string;
