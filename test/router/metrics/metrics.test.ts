import assert from "node:assert/strict";
import { createMetrics } from "../../../router/metrics/metrics.ts";
import { DURATION_BUCKETS_MS, type FunctionStats, type RouterTotals } from "../../../router/metrics/stats.ts";

const durationCounts = DURATION_BUCKETS_MS.map(() => 0);
const STATS: FunctionStats = {
  name: "hello",
  inFlight: 2,
  waiting: 3,
  ready: 4,
  answered: [0, 0, 40, 0, 1, 0],
  versions: [
    { version: "older", answered: [0, 0, 10, 0, 0, 0] },
    { version: "7", answered: [0, 0, 30, 0, 1, 0] },
  ],
  abandoned: 5,
  refused: { too_many_waiting: 7 },
  retries: 6,
  waitedMs: 2_500,
  coldStarts: 1,
  wakeStepMs: { container: 500 },
  durationSumMs: 1_500,
  // 38 calls in the first bucket, 2 in the next, 1 longer than all bounds.
  durationCounts: [38, 2, ...durationCounts.slice(2), 1],
};
const TOTALS: RouterTotals = { unrouted: { unknown_function: 9 }, logLinesDropped: 8, spansDropped: 4 };

describe("the metrics of the router", () => {
  let lines: string[];

  before(async () => {
    lines = (await createMetrics({ stats: () => [STATS], totals: () => TOTALS })()).split("\n");
  });

  const has = (line: string) => assert.ok(lines.includes(line), `${line} is not in\n${lines.join("\n")}`);

  it("count calls by function, version and class of status", () => {
    has('skiff_calls_total{function="hello",version="older",status="2xx"} 10');
    has('skiff_calls_total{function="hello",version="7",status="2xx"} 30');
    has('skiff_calls_total{function="hello",version="7",status="4xx"} 1');
    assert.ok(!lines.some((line) => line.includes('status="5xx"')));
  });

  it("count refusals by code, clients that left and cold starts", () => {
    has('skiff_calls_refused_total{function="hello",code="too_many_waiting"} 7');
    has('skiff_calls_abandoned_total{function="hello"} 5');
    has('skiff_cold_starts_total{function="hello"} 1');
    has('skiff_wake_step_seconds_total{function="hello",step="container"} 0.5');
  });

  it("count retries and what was refused before its function was known", () => {
    has('skiff_call_retries_total{function="hello"} 6');
    has('skiff_requests_refused_total{code="unknown_function"} 9');
    has("skiff_access_log_dropped_total 8");
    has("skiff_spans_dropped_total 4");
  });

  it("show what is in flight and what waits, and for how long calls waited", () => {
    has('skiff_call_wait_seconds_total{function="hello"} 2.5');
    has('skiff_calls_in_flight{function="hello"} 2');
    has('skiff_calls_waiting{function="hello"} 3');
  });

  it("show the instances that are ready", () => {
    has("# TYPE skiff_instances_ready gauge");
    has('skiff_instances_ready{function="hello"} 4');
  });

  it("give durations as a cumulative histogram in seconds", () => {
    has("# TYPE skiff_call_duration_seconds histogram");
    has('skiff_call_duration_seconds_bucket{function="hello",le="0.001"} 38');
    has('skiff_call_duration_seconds_bucket{function="hello",le="0.0025"} 40');
    has('skiff_call_duration_seconds_bucket{function="hello",le="60"} 40');
    has('skiff_call_duration_seconds_bucket{function="hello",le="+Inf"} 41');
    has('skiff_call_duration_seconds_sum{function="hello"} 1.5');
    has('skiff_call_duration_seconds_count{function="hello"} 41');
  });

  it("include those of the process", () => {
    const value = (name: string) => Number(lines.find((line) => line.startsWith(`${name} `))?.split(" ")[1]);
    assert.ok(value("process_resident_memory_bytes") > 1024 ** 2);
    assert.ok(value("nodejs_heap_size_used_bytes") > 1024 ** 2);
    assert.ok(value("process_cpu_seconds_total") > 0);
    assert.ok(value("nodejs_eventloop_active_seconds_total") > 0);
    const startedAt = value("process_start_time_seconds") * 1_000;
    assert.ok(startedAt <= Date.now() && startedAt > Date.now() - 3_600_000);
    if (process.platform === "linux") assert.ok(value("process_open_fds") > 2);
  });

  it("of many functions are written in turns, and calls go on between them", async () => {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const many = Array.from({ length: 1_000 }, (_, index) => ({ ...STATS, name: `f-${index}` }));
    const text = await createMetrics({ stats: () => many, totals: () => TOTALS })();
    isOver = true;
    assert.ok(turns >= 40, `${turns} turns`);
    const families = text.split("\n").filter((line) => line.startsWith("# TYPE"));
    assert.equal(new Set(families).size, families.length);
    assert.equal(text.match(/^skiff_call_retries_total\{function="f-\d+"\} 6$/gm)?.length, 1_000);
  });

  it("are read from several routers at once as well", async () => {
    const several = { stats: async () => [STATS], totals: async () => TOTALS };
    assert.deepEqual(withoutProcess(await createMetrics(several)()), withoutProcess(lines.join("\n")));
  });

  it("need nothing that goes on after they were asked for: no observer, no monitor", () => {
    assert.ok(!lines.some((line) => /nodejs_(gc_duration|eventloop_lag)/.test(line)));
  });
});

function withoutProcess(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("skiff_"));
}
