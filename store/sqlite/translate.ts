import type { SQLInputValue } from "node:sqlite";
import type { Parameter, Statement } from "../sql/work.ts";

/** The text of a statement for SQLite; empty if there is nothing to run. */
export function textOf({ text, sqlite, values, rows }: Statement): string {
  const tuple = rows && `(${(rows[0] ?? []).map((_, place) => `$${values.length + place + 1}`).join(", ")})`;
  return (
    (sqlite ?? text)
      .replace("{rows}", tuple ?? "")
      .replace(/= ANY\((\$\d+)\)/g, "IN (SELECT value FROM json_each($1))")
      // A transaction has the whole file.
      .replace(/ FOR (UPDATE|SHARE)( SKIP LOCKED)?/g, "")
      .replace(/\$(?=\d)/g, "?")
  );
}

/** A list becomes a list of JSON. */
export function inputOf(value: Parameter): SQLInputValue {
  return Array.isArray(value) ? JSON.stringify(value) : (value as SQLInputValue);
}
