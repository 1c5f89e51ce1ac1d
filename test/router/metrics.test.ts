import assert from "node:assert/strict";
import { createMetrics } from "../../router/metrics.ts";
import type { Router } from "../../router/router.ts";
import { DURATION_BUCKETS_MS, type FunctionStats } from "../../router/stats.ts";

const durationCounts = DURATION_BUCKETS_MS.map(() => 0);
const STATS: FunctionStats = {
  name: "hello",
  inFlight: 2,
  waiting: 3,
  ready: 4,
  answered: [0, 0, 40, 0, 1, 0],
  abandoned: 5,
  refused: new Map([["too_many_waiting", 7]]),
  coldStarts: 1,
  wakeStepMs: new Map([["container", 500]]),
  durationSumMs: 1_500,
  // 38 calls in the first bucket, 2 in the next, 1 longer than all bounds.
  durationCounts: [38, 2, ...durationCounts.slice(2), 1],
};

describe("the metrics of the router", () => {
  let lines: string[];

  before(async () => {
    const router = { stats: () => [STATS] } as unknown as Router;
    lines = (await createMetrics(router)()).split("\n");
  });

  const has = (line: string) => assert.ok(lines.includes(line), `${line} is not in\n${lines.join("\n")}`);

  it("count calls by function and class of status", () => {
    has('skiff_calls_total{function="hello",status="2xx"} 40');
    has('skiff_calls_total{function="hello",status="4xx"} 1');
    assert.ok(!lines.some((line) => line.includes('status="5xx"')));
  });

  it("count refusals by code, clients that left and cold starts", () => {
    has('skiff_calls_refused_total{function="hello",code="too_many_waiting"} 7');
    has('skiff_calls_abandoned_total{function="hello"} 5');
    has('skiff_cold_starts_total{function="hello"} 1');
    has('skiff_wake_step_seconds_total{function="hello",step="container"} 0.5');
  });

  it("show what is in flight and what waits", () => {
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

  it("need nothing that goes on after they were asked for: no observer, no monitor", () => {
    assert.ok(!lines.some((line) => /nodejs_(gc_duration|eventloop_lag)/.test(line)));
  });
});
