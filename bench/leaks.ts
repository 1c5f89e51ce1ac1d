/** 100,000 calls that end in every way there is: what is left of them in Skiff's process afterwards. */
import { readdirSync } from "node:fs";
import { MIXED_SOURCE, makeMixedCalls } from "../test/support/mixed-calls.ts";
import { printTable, type Row } from "./report.ts";
import { SkiffProcess } from "./skiff-process.ts";

const CALLS = 100_000;
/** So many before the first look: caches and code fill up once. */
const WARM_UP = 20_000;
const PARALLEL = 64;
const SETTLE_MS = 20_000;
const NAME = "mixed";
/** Memory goes up and down with the collector: its least in a part of them says what is left. */
const STRETCHES = 10;
const MOST_MIB = 16;

interface Left {
  readonly sockets: number;
  readonly inFlight: number;
  readonly waiting: number;
}

export async function benchLeaks(skiff: SkiffProcess, calls = CALLS): Promise<Row[]> {
  // What is measured is Skiff's own memory: the instance may use more than it is given by default.
  await skiff.deploy(NAME, MIXED_SOURCE, "max=1&memory=1Gi");
  await skiff.deploy(`${NAME}-late`, MIXED_SOURCE, "max=1&memory=1Gi&timeout=100ms");
  await makeMixedCalls({ url: skiff.url, name: NAME }, WARM_UP, PARALLEL);
  const before = await settled(skiff);
  const startedAt = performance.now();
  const memoryMiB: number[] = [];
  for (let i = 0; i < STRETCHES; i++) {
    await makeMixedCalls({ url: skiff.url, name: NAME }, Math.ceil(calls / STRETCHES), PARALLEL);
    memoryMiB.push(skiff.memoryMiB());
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await settled(skiff, before.sockets);
  const row = (what: string, from: number, to: number, most: number): Row => ({
    what: `${what} after ${calls} mixed calls (${seconds.toFixed(0)} s)`,
    figure: `${from.toFixed(0)} → ${to.toFixed(0)}`,
    target: most === 0 ? "as before" : `under +${most} MiB`,
    met: to - from <= most,
  });
  const half = STRETCHES / 2;
  const [firstMiB, lastMiB] = [Math.min(...memoryMiB.slice(0, half)), Math.min(...memoryMiB.slice(half))];
  return [
    row("open files and sockets", before.sockets, after.sockets, 0),
    row("calls in flight", before.inFlight, after.inFlight, 0),
    row("calls waiting", before.waiting, after.waiting, 0),
    row("MiB of memory, least of the first half and of the second,", firstMiB, lastMiB, MOST_MIB),
  ];
}

/** Looks until everything that ends by itself has ended: idle connections, the collector's turn. */
async function settled(skiff: SkiffProcess, most = 0): Promise<Left> {
  const deadlineMs = performance.now() + SETTLE_MS;
  let now = await look(skiff);
  let best = now;
  while (performance.now() < deadlineMs && (best.sockets > most || best.inFlight > 0)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    now = await look(skiff);
    if (now.sockets <= best.sockets) best = now;
  }
  return best;
}

async function look(skiff: SkiffProcess): Promise<Left> {
  const text = await (await fetch(`${skiff.url}/metrics`)).text();
  const sum = (metric: string) =>
    [...text.matchAll(new RegExp(`^${metric}\\{[^}]*\\} (\\d+)$`, "gm"))].reduce(
      (all, [, each]) => all + Number(each),
      0,
    );
  return {
    sockets: readdirSync(`/proc/${skiff.pid}/fd`).length,
    inFlight: sum("skiff_calls_in_flight"),
    waiting: sum("skiff_calls_waiting"),
  };
}

if (import.meta.main) {
  const skiff = await SkiffProcess.start();
  try {
    printTable("Leaks", await benchLeaks(skiff, Number(process.argv[2] ?? CALLS)));
  } finally {
    await skiff.close();
  }
}
