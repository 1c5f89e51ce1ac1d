/** A row, with numbers as the driver returns them: `bigint` columns of PostgreSQL are text. */
export type Row = Readonly<Record<string, unknown>>;

/** Bytes come back as `Uint8Array`, from PostgreSQL as its subclass `Buffer`. */
export type Value = string | number | Uint8Array | null;

/** SQL that SQLite and PostgreSQL both understand, with the placeholders `$1`, `$2`… */
export interface Statement {
  readonly text: string;
  readonly values: readonly Value[];
}

/**
 * The statements of one transaction. Each `yield` gets the rows of its statement, so that the same work runs on a driver
 * that blocks and on one that does not.
 */
export type Work<T> = Generator<Statement, T, readonly Row[]>;

export function sql(text: string, ...values: readonly Value[]): Statement {
  return { text, values };
}

/** Most rows of one INSERT; PostgreSQL takes 65,535 values in a statement. */
const ROWS_AT_ONCE = 200;

/** Runs `INSERT INTO … VALUES` for all rows, with `conflict` at its end. A row must not occur twice. */
export function* insertAll(into: string, rows: readonly (readonly Value[])[], conflict: string): Work<void> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const some = rows.slice(at, at + ROWS_AT_ONCE);
    let place = 0;
    const tuples = some.map((row) => `(${row.map(() => `$${++place}`).join(", ")})`);
    yield { text: `INSERT INTO ${into} VALUES ${tuples.join(", ")} ${conflict}`, values: some.flat() };
  }
}
