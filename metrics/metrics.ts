import { setImmediate } from "node:timers/promises";

/** A family of metrics without its samples. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** The values of a label are a closed set, or names of things that exist: clients cannot add any. */
  readonly labels: readonly string[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** The series of a histogram that the sample belongs to. */
  readonly part?: "_bucket" | "_sum" | "_count";
}

/** A family that is read from items of one kind, such as the counters of a function. */
export interface Family<Item> extends MetricFamily {
  readonly samples: (item: Item) => readonly Sample[];
}

/** Returns the type that a name has by the convention of Prometheus: counters end in `_total`. */
export function typeOf(name: string): "counter" | "gauge" {
  return name.endsWith("_total") ? "counter" : "gauge";
}

/** Returns a family without labels that has one value per item. */
export function single<Item>(name: string, help: string, read: (item: Item) => number): Family<Item> {
  const samples = (item: Item) => [{ value: read(item), labels: {} }];
  return { name, help, type: typeOf(name), labels: [], samples };
}

/** Returns a sample for each of `values`, which are numbers by the value of `label`. */
export function tally(label: string, values: Readonly<Record<string, number>>, labels = {}): Sample[] {
  return Object.entries(values).map(([key, value]) => ({ value, labels: { ...labels, [label]: key } }));
}

/** The times of a histogram. `bounds` are the upper bounds of its buckets, in milliseconds; `counts` has one more. */
export interface Durations {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sumMs: number;
}

/** Returns the samples of a histogram of times, in seconds. */
export function histogram({ bounds, counts, sumMs }: Durations): Sample[] {
  let sum = 0;
  const buckets = bounds.map((bound, index): Sample => {
    sum += counts[index]!;
    return { part: "_bucket", labels: { le: bound / 1_000 }, value: sum };
  });
  const count = sum + counts.at(-1)!;
  return [
    ...buckets,
    { part: "_bucket", labels: { le: "+Inf" }, value: count },
    { part: "_sum", labels: {}, value: sumMs / 1_000 },
    { part: "_count", labels: {}, value: count },
  ];
}

/** Items per turn of the event loop: about a millisecond of work for functions. */
const ITEMS_PER_TURN = 20;

/** Writes the text of each of its families. */
export type Group = () => Promise<string[]>;

/** Returns the text of families, for `Metrics.add`. */
export function group<Item>(families: readonly Family<Item>[], items: Iterable<Item>): Group {
  return async () => {
    const texts = families.map(({ name, help, type }) => [
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`,
    ]);
    let some: Item[] = [];
    const write = () => {
      for (const [index, family] of families.entries()) texts[index]!.push(linesOf(family, some));
      some = [];
    };
    for (const item of items) {
      if (some.push(item) < ITEMS_PER_TURN) continue;
      write();
      await setImmediate();
    }
    write();
    return texts.map((parts) => parts.join(""));
  };
}

/**
 * The metrics of a program as Prometheus text (format 0.0.4). A scrape yields to the event loop, whatever the
 * number of items. Nothing runs between two scrapes, so there is nothing to close.
 */
export class Metrics {
  readonly #sources: (() => readonly Group[] | Promise<readonly Group[]>)[] = [];

  /** Adds a source of metrics, which is read at each scrape. */
  add(source: () => readonly Group[] | Promise<readonly Group[]>): void {
    this.#sources.push(source);
  }

  /** Writes the families in the order of their sources. @throws the error of a source */
  async text(): Promise<string> {
    const groups = await Promise.all(this.#sources.map((source) => source()));
    const texts = await Promise.all(groups.flat().map((write) => write()));
    return texts.flat().join("\n");
  }
}

function linesOf<Item>({ name, samples }: Family<Item>, items: readonly Item[]): string {
  let text = "";
  for (const { labels, value, part = "" } of items.flatMap(samples)) {
    let pairs = "";
    for (const label in labels) pairs += `${pairs === "" ? "" : ","}${label}="${escaped(labels[label]!)}"`;
    text += `${name}${part}${pairs === "" ? "" : `{${pairs}}`} ${value}\n`;
  }
  // One copy per part, so that the end of a scrape does not copy all of its pieces at once.
  return Buffer.from(text, "latin1").toString("latin1");
}

function escaped(value: string | number): string | number {
  if (typeof value === "number" || !/[\\\n"]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
