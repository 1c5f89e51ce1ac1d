/**
 * A map beside the calls alone: `node bench/flows/map.ts [ITEMS] [ROUNDS]`. A step with `each` over 10,000 items, and as
 * many calls over HTTP, both 50 at a time, in alternation. Target: 1.2 × of the calls.
 */
import { median, printTable } from "../tools/report.ts";
import { call, putFlow, runFlow, startedWithEcho, timed } from "./flow-rig.ts";

const [items, rounds] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 3)];
const AT_ONCE = 50;

const skiff = await startedWithEcho();
try {
  const input = Array.from({ length: items }, (_, item) => ({ item }));
  await putFlow(skiff, "map", {
    steps: { all: { fn: "echo", each: "input", concurrency: AT_ONCE } },
    output: "${ size(steps.all.output) }",
  });
  const [maps, calls]: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    const callMs = await timed(items, AT_ONCE, (item) => call(skiff, "echo", { item }));
    const mapMs = await timed(1, 1, async () => {
      const size = await runFlow(skiff, "map", input);
      if (size !== items) throw new Error(`${size} items`);
    });
    if (round < 0) continue;
    maps.push(mapMs);
    calls.push(callMs);
  }
  const ratio = median(maps) / median(calls);
  printTable(`A map of ${items} items, ${AT_ONCE} at a time`, [
    { what: "the calls alone", figure: `${(median(calls) / 1_000).toFixed(2)} s` },
    { what: "the map", figure: `${(median(maps) / 1_000).toFixed(2)} s` },
    { what: "ratio", figure: ratio.toFixed(2), target: "<= 1.2", met: ratio <= 1.2 },
  ]);
} finally {
  await skiff.close();
}
