import { setImmediate } from "node:timers/promises";

/** A family of metrics without its numbers. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Values of a label are a closed set, or name what exists now: clients cannot add any. */
  readonly labels: readonly string[];
}

/** One number of a family. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** The series of a histogram that it belongs to. */
  readonly part?: "_bucket" | "_sum" | "_count";
}

/** A family that is read from items of one kind, such as the counters of a function. */
export interface Family<Item> extends MetricFamily {
  readonly samples: (item: Item) => readonly Sample[];
}

/** Items that are written without a pause: about a millisecond of work for functions. */
const ITEMS_AT_A_TIME = 20;

/** Families and the items that they are read from, ready to be written: one text for each family. */
export type Group = () => Promise<string[]>;

export function group<Item>(families: readonly Family<Item>[], items: Iterable<Item>): Group {
  return async () => {
    const texts = families.map(({ name, help, type }) => [
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`,
    ]);
    for (const some of inParts(items)) {
      for (const [index, family] of families.entries()) {
        const samples = some.flatMap((item) => family.samples(item));
        if (samples.length > 0) texts[index]!.push(flat(linesOf(family, samples)));
      }
      await setImmediate();
    }
    return texts.map((parts) => parts.join(""));
  };
}

/**
 * The metrics of a program as Prometheus text (format 0.0.4). Nothing runs between two scrapes, so there is nothing to close.
 * The event loop turns while a scrape is written, whatever the number of items.
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

function* inParts<Item>(items: Iterable<Item>): Iterable<Item[]> {
  let some: Item[] = [];
  for (const item of items) {
    if (some.push(item) < ITEMS_AT_A_TIME) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function linesOf({ name }: MetricFamily, samples: readonly Sample[]): string {
  let text = "";
  for (const { labels, value, part = "" } of samples) {
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

/** Copies the pieces of `text` into one string now, so that the end of a scrape does not copy all of them at once. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
