import { deepEqual, equal, match } from "node:assert/strict";
import {
  chartSummary,
  chartsOf,
  drawnValues,
  lonely,
  type Metrics,
  type Point,
  summaryOf,
} from "../../../dashboard/web/metrics/metrics.ts";
import { barsOf, causeOf, type TraceLine } from "../../../dashboard/web/trace/trace.ts";

const point = (changed: Partial<Point>): Point => ({
  ...{ at: "2026-11-30T04:00:00.000Z", calls: 0, errors: 0, coldStarts: 0, wakeMs: {} },
  ...changed,
});
const METRICS: Metrics = {
  ...{ stepS: 60, from: "2026-11-30T04:00:00.000Z", versions: { 1: { calls: 123, errors: 3 } } },
  points: [
    point({
      calls: 120,
      errors: 3,
      p95Ms: 40,
      instances: 1,
      coldStarts: 2,
      wakeMs: { claim: 10, load: 300 },
    }),
    point({}),
    point({ calls: 3, p95Ms: 80, instances: 2 }),
  ],
};

describe("Metrics of the dashboard", () => {
  it("become charts, with gaps where nothing was measured", () => {
    const charts = Object.fromEntries(chartsOf(METRICS).map((chart) => [chart.title, chart]));
    deepEqual(charts["Calls per second"]!.series[0]!.values, [2, 0, 0.05]);
    deepEqual(charts.Latency!.series[1]!.values, [40, null, 80]);
    deepEqual(charts.Instances!.series[0]!.values, [1, null, 2]);
    const starts = charts["Cold starts: mean time by step"]!;
    deepEqual(
      starts.series.map(({ label, values }) => [label, values]),
      [
        ["claim", [5, 0, 0]],
        ["load", [150, 0, 0]],
      ],
    );
    deepEqual(drawnValues(starts), [
      [155, null, null],
      [150, null, null],
    ]);
    // A line shows none of them.
    deepEqual(lonely(charts.Latency!.series[1]!.values), [0, 2]);
    deepEqual(lonely([1, 2, null, 3]), [3]);
    match(chartSummary(charts.Latency!, String), /^Latency\. .*p95: at most 80, last 80/);
  });

  it("have a summary", () => {
    deepEqual(summaryOf(METRICS), {
      ...{ calls: 123, errors: 3, coldStarts: 2, errorShare: 3 / 123, p95Ms: 80, instances: 2 },
    });
    deepEqual(summaryOf({ ...METRICS, points: [] }), { calls: 0, errors: 0, coldStarts: 0 });
  });
});

describe("Traces of the dashboard", () => {
  const line = (text: string, stream = "stderr"): TraceLine => {
    return { at: "2026-11-30T04:00:00.000Z", function: "a", level: "error", stream, text };
  };

  it("become bars in the order of their starts", () => {
    const spans = [
      { name: "instance", startMs: 30, durationMs: 70 },
      { name: "wake.load", startMs: 10, durationMs: 20 },
      { name: "wait", startMs: 0, durationMs: 30 },
    ];
    deepEqual(
      barsOf({ spans, durationMs: 100 }).map(({ label, from, length }) => [label, from, length]),
      [
        ["Wait for an instance", 0, 0.3],
        ["Cold start: load", 0.1, 0.2],
        ["In the function", 0.3, 0.7],
      ],
    );
  });

  it("name the error and its line of code", () => {
    const lines = [
      line("note without a stack"),
      line("call 1-2 failed: TypeError: no order\n    at f (file:///skiff/code/main.ts:4:2)"),
      line("GET /fn/a 500 in 3 ms", "call"),
    ];
    deepEqual(causeOf({ lines, status: 500 }), {
      message: "TypeError: no order",
      place: { file: "main.ts", line: 4 },
    });
    equal(causeOf({ lines: lines.slice(0, 1), status: 502 })?.message, "note without a stack");
    equal(causeOf({ lines, status: 200 }), undefined);
    equal(causeOf({ lines: [], status: 500 }), undefined);
  });
});
