/** Makes 100,000 calls with every kind of end, and compares the resources of Skiff's process before and after. */
import { readdirSync } from "node:fs";
import { MIXED_SOURCE, makeMixedCalls } from "../test/support/mixed-calls.ts";
import { heldBytes } from "./tools/held-memory.ts";
import { printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";

const CALLS = 100_000;
/** Calls before the first sample, which fill caches and compile code. */
const WARM_UP = 20_000;
const PARALLEL = 64;
const SETTLE_MS = 20_000;
const NAME = "mixed";
const MOST_MIB = 4;

interface Resources {
  readonly sockets: number;
  readonly inFlight: number;
  readonly waiting: number;
}

export async function benchLeaks(calls = CALLS): Promise<Row[]> {
  const skiff = await SkiffProcess.start({}, ["--inspect=127.0.0.1:0"]);
  try {
    return await measure(skiff, calls);
  } finally {
    await skiff.close();
  }
}

async function measure(skiff: SkiffProcess, calls: number): Promise<Row[]> {
  // Only Skiff's own memory is measured, so the instance gets more than the default.
  await skiff.deploy(NAME, MIXED_SOURCE, "max=1&memory=1Gi");
  await skiff.deploy(`${NAME}-late`, MIXED_SOURCE, "max=1&memory=1Gi&timeout=100ms");
  await makeMixedCalls({ url: skiff.url, name: NAME }, WARM_UP, PARALLEL);
  const before = await settled(skiff);
  const beforeBytes = await heldBytes(skiff.inspector!);
  const startedAt = performance.now();
  await makeMixedCalls({ url: skiff.url, name: NAME }, calls, PARALLEL);
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await settled(skiff, before.sockets);
  const afterBytes = await heldBytes(skiff.inspector!);
  const row = (what: string, from: number, to: number, most: number): Row => ({
    what: `${what} after ${calls} mixed calls (${seconds.toFixed(0)} s)`,
    figure: `${from.toFixed(0)} → ${to.toFixed(0)}`,
    target: most === 0 ? "as before" : `under +${most} MiB`,
    met: to - from <= most,
  });
  return [
    row("open files and sockets", before.sockets, after.sockets, 0),
    row("calls in flight", before.inFlight, after.inFlight, 0),
    row("calls waiting", before.waiting, after.waiting, 0),
    row("MiB of memory, without garbage,", beforeBytes / 2 ** 20, afterBytes / 2 ** 20, MOST_MIB),
  ];
}

/** Samples until idle connections are closed. */
async function settled(skiff: SkiffProcess, most = 0): Promise<Resources> {
  const deadlineMs = performance.now() + SETTLE_MS;
  let now = await sample(skiff);
  let best = now;
  while (performance.now() < deadlineMs && (best.sockets > most || best.inFlight > 0)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    now = await sample(skiff);
    if (now.sockets <= best.sockets) best = now;
  }
  return best;
}

async function sample(skiff: SkiffProcess): Promise<Resources> {
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

if (import.meta.main) printTable("Leaks", await benchLeaks(Number(process.argv[2] ?? CALLS)));
