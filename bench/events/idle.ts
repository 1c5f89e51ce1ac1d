/**
 * What events cost while nothing happens: `node bench/events/idle.ts [SECONDS]`. Processor time of Skiff with its store, and
 * of PostgreSQL. An idle store may take 1 % of a core.
 */
import { setTimeout as pause } from "node:timers/promises";
import { processorUs } from "../tools/processor-time.ts";
import { printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";
import { startPostgres } from "./postgres-server.ts";

const SETTLED_MS = 8_000;
const seconds = Number(process.argv[2] ?? 20);

async function rowsOf(what: string, env: Record<string, string>, others: () => number[]): Promise<Row[]> {
  const skiff = await SkiffProcess.start(env);
  try {
    await skiff.deploy("hello", `export default () => "hello";`, "min=1");
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ topic: "ticks", function: "hello" });
    const put = await fetch(`${skiff.url}/subscription/hello`, { method: "PUT", headers, body });
    if (!put.ok) throw new Error(await put.text());
    await fetch(`${skiff.url}/async/fn/hello/`, { method: "POST" });
    await pause(SETTLED_MS);
    const used = (pids: readonly number[]) => new Map(pids.map((pid) => [pid, processorUs(pid)]));
    const before = used([skiff.pid, ...others()]);
    await pause(seconds * 1_000);
    const after = used([skiff.pid, ...others()]);
    const percent = (pids: readonly number[]) =>
      // A process of the server that ended or began meanwhile was idle.
      pids.reduce((sum, pid) => sum + (after.get(pid)! - (before.get(pid) ?? after.get(pid)!)), 0) /
      (seconds * 10_000);
    const [own, store] = [
      percent([skiff.pid]),
      percent([...after.keys()].filter((pid) => pid !== skiff.pid)),
    ];
    const row = (name: string, value: number): Row => ({
      what: `${what}: ${name}`,
      figure: `${value.toFixed(2)} % of a core`,
      target: "<= 1 %",
      met: value <= 1,
    });
    return [row("Skiff", own), ...(others().length > 0 ? [row("the server", store)] : [])];
  } finally {
    await skiff.close();
  }
}

const postgres = await startPostgres();
try {
  printTable("While nothing happens", [
    ...(await rowsOf("SQLite", {}, () => [])),
    ...(await rowsOf("PostgreSQL", { SKIFF_STORE: postgres.url }, postgres.pids)),
  ]);
} finally {
  await postgres.close();
}
