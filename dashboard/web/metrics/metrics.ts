/** `GET /func/NAME/metrics`. */
export interface Metrics {
  readonly stepS: number;
  readonly from: string;
  readonly points: readonly Point[];
  readonly versions: Readonly<Record<string, { readonly calls: number; readonly errors: number }>>;
}

export interface Point {
  readonly at: string;
  readonly calls: number;
  readonly errors: number;
  readonly refused?: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  readonly instances?: number;
  readonly memoryMiB?: number;
  readonly coldStarts: number;
  /** Milliseconds of all cold starts by step. */
  readonly wakeMs: Readonly<Record<string, number>>;
}

export interface Range {
  readonly since: string;
  readonly step: string;
  readonly text: string;
}

export const RANGES: readonly Range[] = [
  { since: "15m", step: "1m", text: "15 min" },
  { since: "1h", step: "1m", text: "1 h" },
  { since: "6h", step: "5m", text: "6 h" },
  { since: "24h", step: "15m", text: "24 h" },
];

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Number of its colour. */
  readonly colour: number;
}

export interface ChartSpec {
  readonly title: string;
  readonly kind: "line" | "bars" | "stack";
  readonly unit: "perSecond" | "count" | "ms" | "MiB";
  readonly series: readonly Series[];
}

/** The charts of a function. A cluster without a metrics API measures no memory, so its chart may be missing. */
export function chartsOf(metrics: Metrics): ChartSpec[] {
  return allCharts(metrics).filter(
    ({ title, series }) =>
      title !== MEMORY || series.some(({ values }) => values.some((value) => value !== null)),
  );
}

const MEMORY = "Memory of all instances";

function allCharts({ points, stepS }: Metrics): ChartSpec[] {
  const all = (read: (point: Point) => number | undefined) => points.map((point) => read(point) ?? null);
  return [
    {
      ...{ title: "Calls per second", kind: "line", unit: "perSecond" },
      series: [{ label: "calls", colour: 0, values: all(({ calls }) => calls / stepS) }],
    },
    {
      ...{ title: "Failed calls", kind: "bars", unit: "count" },
      series: [
        { label: "errors", colour: 7, values: all(({ errors }) => errors) },
        ...(points.some(({ refused = 0 }) => refused > 0)
          ? [{ label: "refused", colour: 2, values: all(({ refused }) => refused) }]
          : []),
      ],
    },
    {
      ...{ title: "Latency", kind: "line", unit: "ms" },
      series: [
        { label: "p50", colour: 1, values: all(({ p50Ms }) => p50Ms) },
        { label: "p95", colour: 0, values: all(({ p95Ms }) => p95Ms) },
        { label: "p99", colour: 3, values: all(({ p99Ms }) => p99Ms) },
      ],
    },
    {
      ...{ title: "Instances", kind: "line", unit: "count" },
      series: [{ label: "instances", colour: 4, values: all(({ instances }) => instances) }],
    },
    {
      ...{ title: MEMORY, kind: "line", unit: "MiB" },
      series: [{ label: "memory", colour: 1, values: all(({ memoryMiB }) => memoryMiB) }],
    },
    {
      ...{ title: "Cold starts: mean time by step", kind: "stack", unit: "ms" },
      series: stepNames(points).map((label, index) => ({
        ...{ label, colour: index % 7 },
        values: all(({ coldStarts, wakeMs }) => (coldStarts === 0 ? 0 : (wakeMs[label] ?? 0) / coldStarts)),
      })),
    },
  ];
}

/** In the order in which they appear, which is that of a cold start. */
function stepNames(points: readonly Point[]): string[] {
  return [...new Set(points.flatMap(({ wakeMs }) => Object.keys(wakeMs)))];
}

/**
 * Values as they are drawn: of a stack each with those above it, so that the greatest is drawn first. Bars without a height are
 * left out, because their outline would be a line.
 */
export function drawnValues({ kind, series }: ChartSpec): (number | null)[][] {
  if (kind === "line") return series.map(({ values }) => [...values]);
  return series.map((_, index) =>
    series[index]!.values.map((value, at) => {
      const above = kind === "stack" ? series.slice(index + 1) : [];
      const sum = above.reduce((total, { values }) => total + (values[at] ?? 0), value ?? 0);
      return sum === 0 ? null : sum;
    }),
  );
}

/** Where values stand alone between gaps: a line through them would not be seen. */
export function lonely(values: ArrayLike<number | null | undefined>): number[] {
  return Array.from(values).flatMap((value, at) =>
    value == null || values[at - 1] != null || values[at + 1] != null ? [] : [at],
  );
}

export interface Summary {
  readonly calls: number;
  readonly errors: number;
  /** Of 1; undefined without calls. */
  readonly errorShare?: number;
  /** The highest of the range. */
  readonly p95Ms?: number;
  readonly coldStarts: number;
  readonly instances?: number;
}

export function summaryOf({ points }: Metrics): Summary {
  const sum = (read: (point: Point) => number) => points.reduce((total, point) => total + read(point), 0);
  const calls = sum((point) => point.calls);
  const errors = sum((point) => point.errors);
  const slowest = Math.max(...points.map(({ p95Ms }) => p95Ms ?? -1));
  const instances = points.findLast((point) => point.instances !== undefined)?.instances;
  return {
    ...{ calls, errors, coldStarts: sum((point) => point.coldStarts) },
    ...(calls === 0 ? {} : { errorShare: errors / calls }),
    ...(slowest < 0 ? {} : { p95Ms: slowest }),
    ...(instances === undefined ? {} : { instances }),
  };
}

/** What a chart shows, in words, for screen readers. */
export function chartSummary({ title, series }: ChartSpec, format: (value: number) => string): string {
  const parts = series.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${label}: nothing measured`;
    return `${label}: at most ${format(Math.max(...known))}, last ${format(known.at(-1)!)}`;
  });
  return `${title}. ${parts.join("; ") || "Nothing happened"}.`;
}
