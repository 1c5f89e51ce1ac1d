/** Idempotency keys of calls and runs. */
import type { Idempotency } from "../../call.ts";
import { sql, type Work, withRows } from "../work.ts";

/** What an idempotency key belongs to. */
export interface Known {
  readonly call: string;
  readonly fingerprint: string;
}

/** A call or a run. */
export interface Keyed {
  readonly id: string;
  readonly idempotency?: Idempotency | undefined;
}

export function repeated(
  { idempotency }: Keyed,
  { call, fingerprint }: Known,
): { readonly id: string; readonly isNew: false } | { readonly refused: "reused" } {
  return idempotency?.fingerprint === fingerprint ? { id: call, isNew: false } : { refused: "reused" };
}

export function* knownKeys(given: readonly Keyed[]): Work<Map<string, Known>> {
  const keys = given.flatMap(({ idempotency }) => (idempotency ? [idempotency] : []));
  if (keys.length === 0) return new Map();
  const rows = yield sql(
    `SELECT scope, "key", call, fingerprint FROM call_keys WHERE scope = ANY($1) AND "key" = ANY($2)`,
    keys.map(({ scope }) => scope),
    keys.map(({ key }) => key),
  );
  return new Map(rows.map((row) => [keyName(row as unknown as Idempotency), row as unknown as Known]));
}

/** Stores the keys of what is new. Returns those that another transaction stored first. */
export function* takeKeys(given: readonly Keyed[], now: number): Work<Map<string, Known>> {
  const rows = given
    .flatMap(({ id, idempotency }) => (idempotency ? [{ ...idempotency, id }] : []))
    .sort((a, b) => (keyName(a) < keyName(b) ? -1 : 1))
    .map(({ scope, key, fingerprint, id }) => [scope, key, fingerprint, id, now]);
  // The update changes nothing: without it, the row of another transaction would not be returned.
  const stored = yield* withRows({
    text: `INSERT INTO call_keys VALUES {rows} ON CONFLICT (scope, "key") DO UPDATE SET call = call_keys.call
      RETURNING scope, "key", call, fingerprint`,
    values: [],
    rows,
  });
  const own = new Set(given.map(({ id }) => id));
  const others = stored.filter((row) => !own.has(row.call as string));
  return new Map(others.map((row) => [keyName(row as unknown as Idempotency), row as unknown as Known]));
}

/** Removes the keys of what is removed: a request with the same key makes a new one. */
export function* dropKeys(
  removed: readonly { readonly id: string; readonly once: readonly [scope: string, key: string] }[],
): Work<void> {
  if (removed.length === 0) return;
  yield sql(
    `DELETE FROM call_keys WHERE scope = ANY($1) AND "key" = ANY($2) AND call = ANY($3)`,
    removed.map(({ once }) => once[0]),
    removed.map(({ once }) => once[1]),
    removed.map(({ id }) => id),
  );
}

/** Both may have any characters. */
export function keyName({ scope, key }: Pick<Idempotency, "scope" | "key">): string {
  return JSON.stringify([scope, key]);
}
