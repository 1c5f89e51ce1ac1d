/** A family of metrics without its numbers. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Every label has a closed set of values, or those of what exists now; none is what a client chose. */
  readonly labels: readonly string[];
}

/** One number of a family. */
export interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** The part of a histogram that it is. */
  readonly part?: "_bucket" | "_sum" | "_count";
}

/** How a family begins in Prometheus' text format 0.0.4. */
export function headOf({ name, help, type }: MetricFamily): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** Its lines, one for each value. */
export function linesOf({ name }: MetricFamily, values: readonly Value[]): string {
  let text = "";
  for (const { labels, value, part = "" } of values) {
    let pairs = "";
    for (const label in labels) pairs += `${pairs === "" ? "" : ","}${label}="${escaped(labels[label]!)}"`;
    text += `${name}${part}${pairs === "" ? "" : `{${pairs}}`} ${value}\n`;
  }
  return text;
}

function escaped(value: string | number): string | number {
  if (typeof value === "number" || !/[\\\n"]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
