/**
 * How many asynchronous calls are acknowledged: `node bench/events/enqueues.ts [SECONDS] [ROUNDS]`. On SQLite, beside bare
 * inserts of SQLite, and on a PostgreSQL of its own, beside bare inserts of eight connections. Both wait for the disk at
 * every commit. The calls are delayed, so that none runs meanwhile. Needs wrk.
 */

import { processorUs } from "../tools/processor-time.ts";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";
import { postgresInserts, sqliteInserts } from "./bare-inserts.ts";
import { type PostLoad, postLoad } from "./post-load.ts";
import { startPostgres } from "./postgres-server.ts";

const CONNECTIONS = 32;
const [seconds, rounds] = [Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 3)];

interface Measured {
  readonly loads: PostLoad[];
  /** Processor time of Skiff for each call. */
  readonly costsUs: number[];
  readonly bare: Readonly<Record<string, number[]>>;
}

async function measure(
  env: Record<string, string>,
  bare: Readonly<Record<string, () => number | Promise<number>>>,
): Promise<Measured> {
  const skiff = await SkiffProcess.start({ SKIFF_MAX_QUEUED: "10000000", ...env });
  const measured: Measured = {
    loads: [],
    costsUs: [],
    bare: Object.fromEntries(Object.keys(bare).map((what) => [what, []])),
  };
  try {
    await skiff.deploy("hello", `export default () => "hello";`);
    const url = `${skiff.url}/async/fn/hello/?delay=1h`;
    await postLoad(url, { connections: CONNECTIONS, seconds: 2 });
    for (let round = 0; round < rounds; round++) {
      const beganUs = processorUs(skiff.pid);
      const load = await postLoad(url, { connections: CONNECTIONS, seconds });
      measured.loads.push(load);
      measured.costsUs.push((processorUs(skiff.pid) - beganUs) / (load.perSecond * seconds));
      for (const [what, run] of Object.entries(bare)) measured.bare[what]!.push(await run());
    }
    return measured;
  } finally {
    await skiff.close();
  }
}

function rowsOf({ loads, costsUs, bare }: Measured, least: number): Row[] {
  const of = (member: keyof PostLoad) => median(loads.map((load) => load[member]));
  const [rate, p99] = [of("perSecond"), of("p99Ms")];
  return [
    { what: "acknowledged", figure: `${rate.toFixed(0)}/s`, target: `>= ${least}/s`, met: rate >= least },
    { what: "p50", figure: ms(of("medianMs")) },
    { what: "p99", figure: ms(p99), target: "<= 15 ms", met: p99 <= 15 },
    { what: "processor time for each", figure: `${median(costsUs).toFixed(0)} µs` },
    ...Object.entries(bare).map(([what, rates]) => ({
      what,
      figure: `${median(rates).toFixed(0)}/s`,
    })),
  ];
}

const onSqlite = await measure(
  {},
  {
    "bare inserts, a commit for each": () => sqliteInserts(1, 2),
    [`bare inserts, a commit for ${CONNECTIONS}`]: () => sqliteInserts(CONNECTIONS, 2),
  },
);
printTable(`Asynchronous calls on SQLite, ${CONNECTIONS} connections`, rowsOf(onSqlite, 5_000));
const postgres = await startPostgres();
try {
  const bare = { "bare inserts of eight connections": () => postgresInserts(postgres.url, 2) };
  const onPostgres = await measure({ SKIFF_STORE: postgres.url }, bare);
  printTable(`Asynchronous calls on PostgreSQL, ${CONNECTIONS} connections`, rowsOf(onPostgres, 3_000));
} finally {
  await postgres.close();
}
