/**
 * What enqueues cost the plain calls of the same process: `node bench/events/beside-calls.ts [ROUNDS] [PER_SECOND]`. Plain
 * calls come at a fixed rate, alone and beside 1,000 enqueues a second, in alternation. The enqueued calls are delayed.
 */
import { openLoad } from "../tools/open-load.ts";
import { median, ms, printTable } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

const ENQUEUES = 1_000;
const TIME_MS = 5_000;
const [rounds, perSecond] = [Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 500)];

const skiff = await SkiffProcess.start({ SKIFF_MAX_QUEUED: "10000000" });
try {
  await skiff.deploy("hello", `export default () => "hello";`, "min=1");
  const port = Number(new URL(skiff.url).port);
  const plain = async () => {
    const { good } = await openLoad({ port, path: "/fn/hello", perSecond, timeMs: TIME_MS });
    return good;
  };
  const enqueues = () =>
    openLoad({
      port,
      path: "/async/fn/hello/?delay=1h",
      method: "POST",
      perSecond: ENQUEUES,
      timeMs: TIME_MS,
    });
  const [alone, beside, acknowledged]: [number[], number[], number[]] = [[], [], []];
  await plain();
  for (let round = 0; round < rounds; round++) {
    alone.push((await plain()).p99Ms);
    const [calls, { good }] = await Promise.all([plain(), enqueues()]);
    beside.push(calls.p99Ms);
    acknowledged.push(good.p99Ms);
  }
  printTable(`${perSecond} plain calls a second, p99 (medians of ${rounds} rounds)`, [
    { what: "alone", figure: ms(median(alone)) },
    { what: `beside ${ENQUEUES} enqueues a second`, figure: ms(median(beside)) },
    { what: "of the enqueues", figure: ms(median(acknowledged)) },
  ]);
} finally {
  await skiff.close();
}
