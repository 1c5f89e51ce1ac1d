/**
 * Compares the processor time of a plain GET in a Skiff that has served 100,000 calls of every kind and in a new one:
 * `node bench/mixed-process.ts [ROUNDS] [CALLS]`. Needs wrk and Linux.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MIXED_SOURCE, makeMixedCalls } from "../test/support/mixed-calls.ts";
import { processorUs } from "./tools/processor-time.ts";
import { median, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";
import { UPSTREAM } from "./tools/upstream.ts";
import { wrkScript, wrkWith } from "./tools/wrk.ts";

const CALLS = 100_000;
const PARALLEL = 64;
const CONNECTIONS = 32;
const MOST = 1.05;

async function start(): Promise<SkiffProcess> {
  const skiff = await SkiffProcess.start();
  await skiff.deploy("hi", UPSTREAM, "min=1");
  return skiff;
}

export async function benchMixedProcess(rounds: number, calls = CALLS): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-mixed-"));
  const script = join(folder, "gets.lua");
  writeFileSync(script, wrkScript(""));
  const [fresh, mixed] = [await start(), await start()];
  const costUs = (skiff: SkiffProcess) => {
    const beforeUs = processorUs(skiff.pid);
    const { requests } = wrkWith(script, `${skiff.url}/fn/hi`, CONNECTIONS);
    return (processorUs(skiff.pid) - beforeUs) / requests;
  };
  try {
    // It has served plain GETs before, as long as the other one.
    for (const skiff of [fresh, mixed]) costUs(skiff);
    await mixed.deploy("mixed", MIXED_SOURCE, "max=1&memory=1Gi");
    await mixed.deploy("mixed-late", MIXED_SOURCE, "max=1&memory=1Gi&timeout=100ms");
    await makeMixedCalls({ url: mixed.url, name: "mixed" }, calls, PARALLEL);
    for (const skiff of [fresh, mixed]) costUs(skiff);
    const costs: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      for (const index of order) costs[index].push(costUs([fresh, mixed][index]!));
    }
    const ratios = costs[1].map((cost, round) => cost / costs[0][round]!);
    const ratio = median(ratios);
    const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    const [before, after] = costs.map((each) => median(each).toFixed(1));
    return {
      what: `plain GET after ${calls} mixed calls, processor time`,
      figure: `${before} → ${after} µs = ${ratio.toFixed(2)} × (${range})`,
      target: `at most ${MOST} ×`,
      met: ratio <= MOST,
    };
  } finally {
    await Promise.all([fresh.close(), mixed.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [rounds = "11", calls = CALLS] = process.argv.slice(2);
  printTable("A process that has seen everything", [await benchMixedProcess(Number(rounds), Number(calls))]);
}
