/**
 * Measures calls with `isolation=call`, next to warm calls and a bare start of Deno with the same handler:
 * `node bench/programs/isolation.ts [ROUNDS]`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bareStart, expectHi, figureOf, HANDLER } from "../start-up.ts";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

/** Most time that a call with an unused instance may take over a warm one, in milliseconds. */
const MOST_OVER_WARM_MS = 10;
/** Most time of a call without a pool, in bare starts. */
const MOST_STARTS = 1.5;
const WITHIN_MS = 20_000;

/** Waits until the function has exactly this many instances, all of them unused. */
async function unused(skiff: SkiffProcess, name: string, count: number): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  for (;;) {
    const { instances } = await skiff.describe(name);
    if (instances.length === count && instances.every(({ state }) => state === "ready")) return;
    if (Date.now() > deadline) throw new Error(`${name} has not ${count} unused instances`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const sinceMs = performance.now();
  await work();
  return performance.now() - sinceMs;
}

export async function benchIsolation(skiff: SkiffProcess, rounds = 25): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-bare-"));
  writeFileSync(join(folder, "handler.ts"), HANDLER);
  const bare: number[] = [];
  const warm: number[] = [];
  const pooled: number[] = [];
  const started: number[] = [];
  await skiff.deploy("warm", HANDLER);
  await skiff.deploy("pooled", HANDLER, "isolation=call&pool=1");
  await skiff.deploy("started", HANDLER, "isolation=call&pool=0");
  const call = (name: string) => () => expectHi(`${skiff.url}/fn/${name}`);
  // The first start of each program fills caches on the disk, and the deploy has left an instance to call.
  await bareStart(folder, -1);
  await call("started")();
  try {
    for (let round = 0; round < rounds; round++) {
      bare.push(await bareStart(folder, round));
      await call("warm")();
      warm.push(await timed(call("warm")));
      await unused(skiff, "pooled", 1);
      await call("warm")();
      pooled.push(await timed(call("pooled")));
      await unused(skiff, "pooled", 1);
      await unused(skiff, "started", 0);
      await call("warm")();
      started.push(await timed(call("started")));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const overMs = median(pooled) - median(warm);
  const ratio = median(started) / median(bare);
  return [
    { what: "bare Deno: start to first answer", figure: figureOf(bare) },
    { what: "warm call, isolation=instance", figure: figureOf(warm) },
    {
      what: "call with an unused instance in the pool",
      figure: `${figureOf(pooled)}, ${ms(overMs)} over a warm one`,
      target: `at most ${MOST_OVER_WARM_MS} ms over a warm one`,
      met: overMs <= MOST_OVER_WARM_MS,
    },
    {
      what: "call without a pool",
      figure: `${figureOf(started)} = ${ratio.toFixed(2)} × bare`,
      target: `at most ${MOST_STARTS} × bare`,
      met: ratio <= MOST_STARTS,
    },
  ];
}

if (import.meta.main) {
  const skiff = await SkiffProcess.start();
  try {
    printTable("An instance for each call", await benchIsolation(skiff, Number(process.argv[2] ?? 25)));
  } finally {
    await skiff.close();
  }
}
