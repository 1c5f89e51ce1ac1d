import assert from "node:assert/strict";
import { type Family, group, Metrics } from "../../metrics/metrics.ts";

interface Item {
  readonly name: string;
  readonly count: number;
}

const COUNTED: Family<Item> = {
  name: "counted_total",
  help: "Counted things.",
  type: "counter",
  labels: ["name"],
  samples: ({ name, count }) => [{ value: count, labels: { name } }],
};
const SIZE: Family<number> = {
  name: "size_bytes",
  help: "A size.",
  type: "gauge",
  labels: [],
  samples: (size) => [{ value: size, labels: {} }],
};

describe("metrics", () => {
  it("are Prometheus text, by family in the order in which they were added", async () => {
    const metrics = new Metrics();
    metrics.add(() => [group([COUNTED], [{ name: "a", count: 1 }]), group([SIZE], [2.5])]);
    metrics.add(async () => [group([{ ...SIZE, name: "other_bytes" }], [])]);
    assert.deepEqual((await metrics.text()).split("\n"), [
      "# HELP counted_total Counted things.",
      "# TYPE counted_total counter",
      'counted_total{name="a"} 1',
      "",
      "# HELP size_bytes A size.",
      "# TYPE size_bytes gauge",
      "size_bytes 2.5",
      "",
      "# HELP other_bytes A size.",
      "# TYPE other_bytes gauge",
      "",
    ]);
  });

  it("are read anew at each scrape", async () => {
    let count = 0;
    const metrics = new Metrics();
    metrics.add(() => [group([SIZE], [++count])]);
    assert.match(await metrics.text(), /^size_bytes 1$/m);
    assert.match(await metrics.text(), /^size_bytes 2$/m);
  });

  it("escape what would end the value of a label", async () => {
    const metrics = new Metrics();
    metrics.add(() => [group([COUNTED], [{ name: 'a"b\\c\nd', count: 1 }])]);
    assert.ok((await metrics.text()).includes('counted_total{name="a\\"b\\\\c\\nd"} 1\n'));
  });

  it("of many items are written in turns of the event loop, each family in one place", async () => {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const items = Array.from({ length: 1_000 }, (_, index) => ({ name: `f-${index}`, count: 6 }));
    const metrics = new Metrics();
    metrics.add(() => [group([COUNTED, { ...COUNTED, name: "more_total" }], items)]);
    const text = await metrics.text();
    isOver = true;
    assert.ok(turns >= 40, `${turns} turns`);
    const families = text.split("\n").filter((line) => line.startsWith("# TYPE"));
    assert.equal(families.length, 2);
    assert.equal(text.match(/^more_total\{name="f-\d+"\} 6$/gm)?.length, 1_000);
  });

  it("fail when a source fails", async () => {
    const metrics = new Metrics();
    metrics.add(() => Promise.reject(new Error("no answer")));
    await assert.rejects(metrics.text(), /no answer/);
  });
});
