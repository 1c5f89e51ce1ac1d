import { stripVTControlCharacters } from "node:util";

const GAP = "  ";

/** Lays out rows in columns. The first row is the head. The last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat(widths[column]! - width(cell)))
      .join(GAP)
      .trimEnd(),
  );
}

/** Lays out `name  value` lines, without those that have no value. */
export function pairs(entries: readonly (readonly [name: string, value: string | undefined])[]): string[] {
  return table(entries.flatMap(([name, value]) => (value === undefined ? [] : [[`${name}:`, value]])));
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
