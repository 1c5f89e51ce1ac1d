/**
 * Measures an instance under five times its capacity, and the effect on another function: `node bench/overload.ts`. The
 * instance waits instead of computing, so that its own capacity is the limit instead of the machine's.
 */
import { load as closedLoad } from "./tools/load-generator.ts";
import { type OpenLoadResult, openLoad } from "./tools/open-load.ts";
import { median, ms, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";

const WORK_MS = 100;
const CONCURRENCY = 5;
const BEST_MS = 5_000;
const TIMES = 5;
const LOAD_MS = 12_000;
/** Seconds at the beginning in which the queue fills, which do not count. */
const FILLING_S = 4;
const NORMAL_WITHIN_MS = 5_000;
const OTHER_PER_SECOND = 50;
const OTHER_MS = 6_000;
const SLOW_PER_SECOND = TIMES * 2 * CONCURRENCY;
const ROUNDS = 3;

/** Few calls saturate this function, so that other functions share only Skiff with it and not the machine. */
const SLOW = `export default async () => { await new Promise((go) => setTimeout(go, 500)); return "hi"; };\n`;
const BUSY = `export default async () => { await new Promise((go) => setTimeout(go, ${WORK_MS})); return "hi"; };\n`;

export async function benchOverload(skiff: SkiffProcess): Promise<Row[]> {
  await skiff.deploy("busy", BUSY, `max=1&concurrency=${CONCURRENCY}`);
  await skiff.deploy("slow", SLOW, `max=1&concurrency=${CONCURRENCY}`);
  await skiff.deploy("other", `export default () => "hi";\n`, "max=1");
  const port = Number(new URL(skiff.url).port);
  const load = (perSecond: number, timeMs: number) => openLoad({ port, path: "/fn/busy", perSecond, timeMs });
  // Enough callers to saturate it. Each calls again as soon as it has its answer.
  const { calls } = await closedLoad({ port, path: "/fn/busy", connections: CONCURRENCY, timeMs: BEST_MS });
  const best = (calls / BEST_MS) * 1_000;
  const over = await load(TIMES * best, LOAD_MS);
  const normalMs = await untilNormal(skiff);
  const beside = () => openLoad({ port, path: "/fn/slow", perSecond: SLOW_PER_SECOND, timeMs: OTHER_MS });
  return [...rows(best, over, normalMs), await fairness(port, beside)];
}

function rows(best: number, over: OpenLoadResult, normalMs: number): Row[] {
  const share = goodput(over) / best;
  const { refused, good, others } = over;
  return [
    {
      what: `answers at ${TIMES} × what an instance can do`,
      figure: `${goodput(over).toFixed(0)}/s of ${best.toFixed(0)}/s = ${(share * 100).toFixed(0)} %`,
      target: "at least 90 %",
      met: share >= 0.9,
    },
    {
      what: "refusals with 429 or 503 and Retry-After",
      figure: `${refused.calls}, after ${ms(refused.medianMs)} (p99 ${ms(refused.p99Ms)})`,
      target: "at once: p99 under 100 ms",
      met: refused.calls > 0 && refused.p99Ms < 100,
    },
    { what: "any other answer, or none", figure: String(others), target: "0", met: others === 0 },
    { what: "wait of those that were answered", figure: `${ms(good.medianMs)} (p99 ${ms(good.p99Ms)})` },
    {
      what: "normal after the load ended",
      figure: ms(normalMs),
      target: `within ${NORMAL_WITHIN_MS / 1_000} s`,
      met: normalMs <= NORMAL_WITHIN_MS,
    },
  ];
}

/** Answers per second, without the seconds at the beginning of the load. */
function goodput({ goodPerSecond }: OpenLoadResult): number {
  return median(goodPerSecond.slice(FILLING_S));
}

/** Time until five calls in a row take the time of their handler. */
async function untilNormal(skiff: SkiffProcess): Promise<number> {
  const startedAt = performance.now();
  let inRow = 0;
  while (inRow < 5 && performance.now() - startedAt < 60_000) {
    const sentAt = performance.now();
    const { status } = await fetch(`${skiff.url}/fn/busy`);
    inRow = status === 200 && performance.now() - sentAt < 2 * WORK_MS ? inRow + 1 : 0;
  }
  return performance.now() - startedAt;
}

/** Measures the p99 of another function in turns, alone and beside this load. */
async function fairness(port: number, beside: () => Promise<unknown>): Promise<Row> {
  const other = () => openLoad({ port, path: "/fn/other", perSecond: OTHER_PER_SECOND, timeMs: OTHER_MS });
  await other();
  const alone: number[] = [];
  const together: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push((await other()).good.p99Ms);
    const [{ good }] = await Promise.all([other(), beside()]);
    together.push(good.p99Ms);
  }
  const ratio = median(together) / median(alone);
  return {
    what: `p99 of a function beside one with ${TIMES} × its calls`,
    figure: `${ms(median(alone))} → ${ms(median(together))} = ${ratio.toFixed(2)} ×`,
    target: "at most 2 ×",
    met: ratio <= 2,
  };
}

if (import.meta.main) {
  const skiff = await SkiffProcess.start();
  try {
    printTable("Overload", await benchOverload(skiff));
  } finally {
    await skiff.close();
  }
}
