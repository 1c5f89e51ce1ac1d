import assert from "node:assert/strict";
import type { PoolStats } from "../../../metrics/families.ts";
import { Metrics } from "../../../metrics/metrics.ts";
import { addRouterMetrics, type MetricsSource } from "../../../router/metrics/metrics.ts";
import { DURATION_BUCKETS_MS, type FunctionStats, type RouterTotals } from "../../../router/metrics/stats.ts";

const durationCounts = DURATION_BUCKETS_MS.map(() => 0);
const STATS: FunctionStats = {
  name: "hello",
  inFlight: 2,
  waiting: 3,
  ready: 4,
  versions: { older: [0, 0, 10, 0, 0, 0], 7: [0, 0, 30, 0, 1, 0] },
  abandoned: 5,
  refused: { too_many_waiting: 7 },
  retries: 6,
  waitedS: 2.5,
  coldStarts: 1,
  wakeStepS: { container: 0.5 },
  durationSumMs: 1_500,
  // 38 calls in the first bucket, 2 in the next, 1 longer than all bounds.
  durationCounts: [38, 2, ...durationCounts.slice(2), 1],
};
const TOTALS: RouterTotals = { unrouted: { unknown_function: 9 }, logLinesDropped: 8, spansDropped: 4 };

function scrape(source: MetricsSource, pool?: () => PoolStats): Promise<string> {
  const metrics = new Metrics();
  addRouterMetrics(metrics, source, { pool });
  return metrics.text();
}

describe("the metrics of the router", () => {
  let lines: string[];

  before(async () => {
    lines = (await scrape({ stats: () => [STATS], totals: () => TOTALS })).split("\n");
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

  it("show the pool of a function with an instance for each call", async () => {
    assert.ok(!lines.some((line) => line.startsWith("skiff_call_pool_unused{")));
    const pool = { unused: 2, misses: 9 };
    const text = await scrape({ stats: () => [{ ...STATS, pool }], totals: () => TOTALS });
    assert.match(text, /^skiff_call_pool_unused\{function="hello"\} 2$/m);
    assert.match(text, /^skiff_call_pool_misses_total\{function="hello"\} 9$/m);
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

  it("include those of the process and of its workers", async () => {
    const processes = () => [["2", { process_open_fds: 17 }]] as const;
    const text = await scrape({ stats: () => [], totals: () => TOTALS, processes });
    assert.match(text, /^process_resident_memory_bytes \d{7,}$/m);
    assert.match(text, /^process_open_fds\{worker="2"\} 17$/m);
    assert.ok(!text.includes('process_resident_memory_bytes{worker="2"}'));
  });

  it("include the pool where the platform has one", async () => {
    const pool = () => ({ outcomes: { claimed: 3, empty: 1 }, free: 2 });
    const text = await scrape({ stats: () => [], totals: () => TOTALS }, pool);
    assert.match(text, /^skiff_pool_total\{outcome="claimed"\} 3$/m);
    assert.match(text, /^skiff_pool_free 2$/m);
    assert.ok(!lines.some((line) => /^skiff_pool_\w+[{ ]/.test(line)));
  });

  it("are read from several routers at once as well", async () => {
    const several = { stats: async () => [STATS], totals: async () => TOTALS };
    assert.deepEqual(withoutProcess(await scrape(several)), withoutProcess(lines.join("\n")));
  });
});

function withoutProcess(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("skiff_"));
}
