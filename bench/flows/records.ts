/**
 * What runs that ended cost the live ones: `node bench/flows/records.ts [RECORDS] [RUNS]`. Runs of three steps on a Skiff
 * without and on one with 100,000 ended runs, in alternation. They may add 10 % to the p50.
 */
import { median, ms, printTable } from "../tools/report.ts";
import type { SkiffProcess } from "../tools/skiff-process.ts";
import { putFlow, runFlow, startedWithEcho, timed } from "./flow-rig.ts";

const [records, runs] = [Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 300)];
const STEPS = { a: { fn: "echo" }, b: { fn: "echo", needs: ["a"] }, c: { fn: "echo", needs: ["b"] } };
/** Ends at once: its only step is skipped. */
const EMPTY = { steps: { none: { fn: "echo", if: "false" } }, output: "${ 1 }" };

const [without, filled] = [await startedWithEcho(), await startedWithEcho()];
try {
  await Promise.all([without, filled].map((skiff) => putFlow(skiff, "three", { steps: STEPS })));
  await putFlow(filled, "empty", EMPTY);
  await timed(records, 128, () => runFlow(filled, "empty"));
  const times = new Map<SkiffProcess, number[]>([
    [without, []],
    [filled, []],
  ]);
  for (let run = -30; run < runs; run++) {
    for (const [skiff, figures] of times) {
      const tookMs = await timed(1, 1, () => runFlow(skiff, "three"));
      if (run >= 0) figures.push(tookMs);
    }
  }
  const [alone, beside] = [median(times.get(without)!), median(times.get(filled)!)];
  const ratio = beside / alone;
  printTable(`Runs beside ${records} that ended`, [
    { what: "p50 without", figure: ms(alone) },
    { what: "p50 with", figure: ms(beside) },
    { what: "ratio", figure: ratio.toFixed(2), target: "<= 1.1", met: ratio <= 1.1 },
  ]);
} finally {
  await Promise.all([without.close(), filled.close()]);
}
