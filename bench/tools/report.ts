/** One line of the table: measure, figure and target. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly target?: string;
  /** Absent without a target. */
  readonly met?: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

export function printTable(title: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ what }) => what.length));
  const figures = Math.max(...rows.map(({ figure }) => figure.length));
  console.log(`\n${title}`);
  for (const { what, figure, target, met } of rows) {
    const verdict = met === undefined ? "" : met ? "met" : "MISSED";
    console.log(
      `  ${what.padEnd(width)}  ${figure.padStart(figures)}  ${target ?? ""}  ${verdict}`.trimEnd(),
    );
  }
}
