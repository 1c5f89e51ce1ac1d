/**
 * What a step costs: `node bench/flows/steps.ts [RUNS] [SECONDS]`. Runs of three steps on a warm function one after
 * another, beside three calls of the same; then as many as there can be. On SQLite and on a PostgreSQL of its own. Targets:
 * 10 ms for all three steps, an overhead of a step of 3 ms (p50) and 10 ms (p95), 300 runs a second.
 */
import { startPostgres } from "../events/postgres-server.ts";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import type { SkiffProcess } from "../tools/skiff-process.ts";
import { call, percentile, putFlow, runFlow, startedWithEcho, timed } from "./flow-rig.ts";

const [runs, seconds] = [Number(process.argv[2] ?? 300), Number(process.argv[3] ?? 10)];
const AT_ONCE = 64;

const THREE = {
  steps: { a: { fn: "echo" }, b: { fn: "echo", needs: ["a"] }, c: { fn: "echo", needs: ["b"] } },
};

/** Milliseconds of each run, and of three calls in turn. */
async function oneByOne(skiff: SkiffProcess): Promise<{ flows: number[]; calls: number[] }> {
  const [flows, calls]: [number[], number[]] = [[], []];
  for (let run = -30; run < runs; run++) {
    const flowMs = await timed(1, 1, () => runFlow(skiff, "three", { run }));
    const callMs = await timed(3, 1, () => call(skiff, "echo", { run }));
    if (run < 0) continue;
    flows.push(flowMs);
    calls.push(callMs);
  }
  return { flows, calls };
}

async function rowsOf(env: Record<string, string>): Promise<Row[]> {
  const skiff = await startedWithEcho(env);
  try {
    await putFlow(skiff, "three", THREE);
    const { flows, calls } = await oneByOne(skiff);
    const overhead = flows.map((flowMs, index) => (flowMs - calls[index]!) / 3);
    const until = performance.now() + seconds * 1_000;
    let done = 0;
    const rateMs = await timed(1_000_000, AT_ONCE, async () => {
      if (performance.now() > until) return;
      await runFlow(skiff, "three");
      done++;
    });
    const rate = (done * 1_000) / rateMs;
    const [p50, p95] = [percentile(overhead, 0.5), percentile(overhead, 0.95)];
    return [
      { what: "three calls, p50", figure: ms(median(calls)) },
      row("a run of three steps, p50", median(flows), 10),
      row("overhead of a step, p50", p50, 3),
      row("overhead of a step, p95", p95, 10),
      {
        what: `runs a second, ${AT_ONCE} at a time`,
        figure: rate.toFixed(0),
        target: ">= 300",
        met: rate >= 300,
      },
    ];
  } finally {
    await skiff.close();
  }
}

function row(what: string, value: number, most: number): Row {
  return { what, figure: ms(value), target: `<= ${most} ms`, met: value <= most };
}

printTable("Flows on SQLite", await rowsOf({}));
const postgres = await startPostgres();
try {
  printTable("Flows on PostgreSQL", await rowsOf({ SKIFF_STORE: postgres.url }));
} finally {
  await postgres.close();
}
