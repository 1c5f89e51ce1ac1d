import type { Parameter, Statement } from "../sql/work.ts";

/** A statement for PostgreSQL, with all its rows. */
export function queryOf({ text, values, rows, types }: Statement): { text: string; values: unknown[] } {
  if (!rows) return { text, values: values.map(clean) };
  let place = values.length;
  const tuples = rows.map((row) => {
    const places = row.map((_, column) => `$${++place}${types ? `::${types[column]}` : ""}`);
    return `(${places.join(", ")})`;
  });
  return { text: text.replace("{rows}", tuples.join(", ")), values: [...values, ...rows.flat()].map(clean) };
}

/** PostgreSQL has no text with NUL. */
function clean(value: Parameter): unknown {
  if (typeof value === "string") return value.replaceAll("\0", "\ufffd");
  return Array.isArray(value) ? value.map(clean) : value;
}
