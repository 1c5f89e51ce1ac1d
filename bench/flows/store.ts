/**
 * How many runs of three steps the store takes: `node bench/flows/store.ts [SECONDS] [ROUNDS] [ENDED]`. A run is one create and
 * three appends, of which the last one ends it; no function is called. On SQLite and on a PostgreSQL of its own, both wait for the
 * disk at every commit; first with an empty store and then beside ENDED runs that ended, 100,000 by default.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entry } from "../../platform/flows/run/entry.ts";
import { limitsFromEnv } from "../../platform/limits.ts";
import { newCallId } from "../../store/call-id.ts";
import type { NewRun, Runs } from "../../store/flows/runs.ts";
import { PostgresStore } from "../../store/postgres/postgres-store.ts";
import { SqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { startPostgres } from "../events/postgres-server.ts";
import { median, ms, printTable } from "../tools/report.ts";

const AT_ONCE = 64;
const STEPS = ["check", "charge", "mail"] as const;
const OWNER = "bench/1";
const [seconds, rounds, ended] = [5, 3, 100_000].map((byDefault, place) =>
  Number(process.argv[2 + place] ?? byDefault),
) as [number, number, number];

function newRun(now: number): NewRun {
  const id = newCallId(now, Math.random);
  const trigger = { kind: "api", by: "token" } as const;
  const steps = Object.fromEntries(
    STEPS.map((name) => [
      name,
      { kind: "fn", function: name, needs: [], with: { id: `\${ input.${name} }` } },
    ]),
  );
  const definition = {
    flow: "order",
    on: { topics: [], crons: [] },
    steps,
    finally: {},
    timeoutMs: 3_600_000,
  };
  const begun = {
    ...{ kind: "begun", at: now, run: id, version: 1, functions: {}, trigger, depth: 0 },
    definition,
    input: { json: { id: "order-12345", total: 99.5 } },
    traceparent: `00-${id}-0123456789abcdef-01`,
  } as unknown as NewRun["begun"];
  const entries: Entry[] = [{ kind: "started", at: now, step: STEPS[0], attempt: 1 }];
  const owned = { owner: OWNER, entries, row: { state: "running", step: STEPS[0] } } as const;
  return { id, flow: "order", version: 1, trigger, begun, acceptedAt: now, by: "token", bodies: [], owned };
}

async function run(runs: Runs, latencies: number[]): Promise<void> {
  const given = newRun(Date.now());
  await runs.create([given], { now: given.acceptedAt, mostLive: 1_000_000 });
  let after = 2;
  for (const [place, step] of STEPS.entries()) {
    const now = Date.now();
    const done: Entry = { kind: "done", at: now, step, attempt: 1, output: { json: { ok: step } } };
    const next = STEPS[place + 1];
    const following: Entry = next
      ? { kind: "started", at: now, step: next, attempt: 1 }
      : { kind: "ended", at: now, state: "done", output: { json: 1 } };
    const row = next
      ? ({ state: "running", step: next } as const)
      : ({ state: "done", endedAt: now } as const);
    const began = performance.now();
    const appended = await runs.append({
      ...{ run: given.id, owner: OWNER, after, entries: [done, following], row, now },
    });
    if (appended === "lost") throw new Error(`an append to the run ${given.id} was lost`);
    latencies.push(performance.now() - began);
    after += 2;
  }
}

/** Returns runs per second. */
async function load(runs: Runs, until: (done: number) => boolean, latencies: number[]): Promise<number> {
  const began = performance.now();
  let count = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (!until(count)) {
        await run(runs, latencies);
        count++;
      }
    }),
  );
  return count / ((performance.now() - began) / 1_000);
}

async function measure(what: string, runs: Runs): Promise<void> {
  await runs.beat(OWNER, Date.now());
  await load(runs, (done) => done >= 500, []);
  for (const beside of [0, ended]) {
    if (beside > 0) await load(runs, (done) => done >= beside, []);
    const latencies: number[] = [];
    const rates: number[] = [];
    const costsUs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const end = performance.now() + seconds * 1_000;
      const before = process.cpuUsage();
      const rate = await load(runs, () => performance.now() >= end, latencies);
      const { user, system } = process.cpuUsage(before);
      rates.push(rate);
      costsUs.push((user + system) / (rate * seconds));
    }
    const sorted = latencies.sort((a, b) => a - b);
    const [rate, p99] = [median(rates), sorted[Math.floor(sorted.length * 0.99)]!];
    printTable(`Runs of three steps in the store on ${what}, ${beside} ended before`, [
      { what: "runs", figure: `${rate.toFixed(0)}/s`, target: ">= 500/s", met: rate >= 500 },
      {
        what: "appends",
        figure: `${(rate * STEPS.length).toFixed(0)}/s`,
        target: ">= 1,500/s",
        met: rate >= 500,
      },
      { what: "append p50", figure: ms(sorted[Math.floor(sorted.length / 2)]!) },
      { what: "append p99", figure: ms(p99) },
      { what: "processor time for each run", figure: `${median(costsUs).toFixed(0)} µs` },
    ]);
  }
}

const folder = mkdtempSync(join(tmpdir(), "skiff-bench-runs-"));
const sqlite = new SqliteStore({ file: join(folder, "history.db"), print: console.error });
try {
  await measure("SQLite", sqlite.runs);
} finally {
  await sqlite.close();
  rmSync(folder, { recursive: true, force: true });
}
const server = await startPostgres();
const postgres = new PostgresStore({ url: server.url, limits: limitsFromEnv({}), print: console.error });
try {
  await measure("PostgreSQL", postgres.runs);
} finally {
  await postgres.close();
  await server.close();
}
