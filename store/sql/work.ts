/** A row, with numbers as the driver returns them: `bigint` columns of PostgreSQL are text. */
export type Row = Readonly<Record<string, unknown>>;

/** Bytes come back as `Uint8Array`, from PostgreSQL as its subclass `Buffer`. */
export type Value = string | number | null | Uint8Array;

/** A list is for `= ANY($1)`. */
export type Parameter = Value | readonly string[] | readonly number[];

/**
 * SQL that SQLite and PostgreSQL both understand, with the placeholders `$1`, `$2`… SQLite leaves out `FOR UPDATE`, `FOR SHARE` and
 * `SKIP LOCKED`.
 */
export interface Statement {
  readonly text: string;
  readonly values: readonly Parameter[];
  /**
   * Rows that take the place of `{rows}` in the text, as `($3, $4), ($5, $6)`: PostgreSQL gets all of them in one statement,
   * SQLite runs the statement for each of them. The rows of the answers come together.
   */
  readonly rows?: readonly (readonly Value[])[];
  /** The types of the columns of `rows`, where PostgreSQL cannot infer them. */
  readonly types?: readonly string[];
  /**
   * It only reads, and whatever follows in its work does not rely on it. PostgreSQL runs those at the beginning of a work
   * before the transaction, so that a work that finds nothing to do is one message.
   */
  readonly isRead?: boolean;
  /** What SQLite runs instead. With `rows`, the placeholders of a row follow those of `values`. Empty for nothing at all. */
  readonly sqlite?: string;
}

/**
 * The statements of one transaction. Each `yield` gets the rows of its statement, so that the same work runs on a driver
 * that blocks and on one that does not.
 */
export type Work<T> = Generator<Statement, T, readonly Row[]>;

export function sql(text: string, ...values: readonly Parameter[]): Statement {
  return { text, values };
}

export function read(text: string, ...values: readonly Parameter[]): Statement {
  return { text, values, isRead: true };
}

/** Most rows of one statement; PostgreSQL takes 65,535 values. */
const ROWS_AT_ONCE = 200;

/** Runs a statement with `rows`. Returns what it returned. */
export function* withRows(statement: Statement & Required<Pick<Statement, "rows">>): Work<readonly Row[]> {
  const { rows } = statement;
  const returned: Row[] = [];
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    returned.push(...(yield { ...statement, rows: rows.slice(at, at + ROWS_AT_ONCE) }));
  }
  return returned;
}

/** Runs `INSERT INTO … VALUES` for all rows, with `conflict` at its end. A row must not occur twice. */
export function* insertAll(into: string, rows: readonly (readonly Value[])[], conflict: string): Work<void> {
  yield* withRows({ text: `INSERT INTO ${into} VALUES {rows} ${conflict}`, values: [], rows });
}
