/**
 * Compares small GETs of Skiff with one worker and with two, next to nginx with one and with two, all in one run.
 * `node bench/workers.ts [ROUNDS]` needs wrk and nginx. On few cores the load generator and the function use the time
 * of a second worker, for nginx as well. Processor time per call shows the cost of workers there.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { startNginx } from "./tools/nginx.ts";
import { median, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";
import { startUpstream, UPSTREAM } from "./tools/upstream.ts";
import { wrk } from "./tools/wrk.ts";

const CONNECTIONS = 32;
const START_MS = 20_000;

/** The calls to compare. */
const LOADS = [
  { what: "connections kept", path: "/fn/hi", flags: [] },
  { what: "a connection per call", path: "/fn/hi", flags: ["-H", "Connection: close"] },
  // Every call waits for the only place of the instance.
  { what: "concurrency 1", path: "/fn/single", flags: [] },
] as const;

interface Peer {
  readonly name: string;
  readonly port: number;
  readonly skiff?: SkiffProcess;
}

export async function benchWorkers(rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-workers-bench-"));
  const children: ChildProcess[] = [];
  const skiffs: SkiffProcess[] = [];
  try {
    const unix = join(folder, "upstream.sock");
    startUpstream({ folder, address: `unix:${unix}`, children });
    const peers: Peer[] = [];
    for (const workers of [1, 2]) {
      const skiff = await SkiffProcess.start({ SKIFF_WORKERS: String(workers) });
      skiffs.push(skiff);
      await skiff.deploy("hi", UPSTREAM, "min=1");
      await skiff.deploy("single", UPSTREAM, "min=1&max=1&concurrency=1");
      peers.push({ name: `skiff ${workers}`, port: Number(new URL(skiff.url).port), skiff });
      const port = await startNginx({
        folder: join(folder, `nginx-${workers}`),
        workers,
        upstreams: { hi: unix },
        children,
      });
      peers.push({ name: `nginx ${workers}`, port });
    }
    const rates = new Map<string, number[]>();
    const costs = new Map<string, number[]>();
    for (const peer of peers) await answers(peer);
    for (let round = 0; round < rounds; round++) {
      for (const { what, path, flags } of LOADS) {
        for (const { name, port, skiff } of peers) {
          // nginx has no limit of calls per instance.
          if (name.startsWith("nginx") && path === "/fn/single") continue;
          const key = `${what}: ${name}`;
          const beforeS = await processorSeconds(skiff);
          const rate = wrk(`http://127.0.0.1:${port}${path}`, CONNECTIONS, flags);
          rates.set(key, [...(rates.get(key) ?? []), rate]);
          // wrk runs for one second.
          const costUs = (((await processorSeconds(skiff)) - beforeS) * 1e6) / rate;
          costs.set(key, [...(costs.get(key) ?? []), costUs]);
        }
      }
    }
    return LOADS.flatMap(({ what }) => rowsOf(what, rates, costs));
  } finally {
    for (const child of children) child.kill("SIGTERM");
    for (const skiff of skiffs) await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Computes ratios within a round, in which the load of the machine is similar for all peers. */
function rowsOf(
  what: string,
  rates: ReadonlyMap<string, number[]>,
  costs: ReadonlyMap<string, number[]>,
): Row[] {
  const of = (name: string) => rates.get(`${what}: ${name}`);
  const ratio = (a: string, b: string): string => {
    const [as, bs] = [of(a), of(b)];
    if (as === undefined || bs === undefined) return "";
    const ratios = as.map((rate, round) => rate / bs[round]!);
    return `${median(ratios).toFixed(2)} × ${b} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
  };
  return ["skiff 1", "skiff 2", "nginx 1", "nginx 2"].flatMap((name) => {
    const perRound = of(name);
    if (perRound === undefined) return [];
    const [kind = "", workers] = name.split(" ");
    const against = [
      workers === "2" ? ratio(name, `${kind} 1`) : "",
      kind === "skiff" ? ratio(name, `nginx ${workers}`) : "",
    ];
    const target = against.filter((text) => text !== "").join(", ");
    const rate = `${Math.round(median(perRound))}/s`;
    const cost = median(costs.get(`${what}: ${name}`)!);
    const figure = kind === "skiff" ? `${rate}, ${Math.round(cost)} µs of processor each` : rate;
    return [{ what: `${what}: ${name}`, figure, target }];
  });
}

/** Processor time of all processes of Skiff; 0 for other peers. */
async function processorSeconds(skiff: SkiffProcess | undefined): Promise<number> {
  if (skiff === undefined) return 0;
  const text = await (await fetch(`${skiff.url}/metrics`)).text();
  const values = [...text.matchAll(/^process_cpu_seconds_total\S* (\S+)$/gm)];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Waits for the right answer, because a wrong answer may be faster. */
async function answers({ name, port }: Peer): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  for (;;) {
    const text = await fetch(`http://127.0.0.1:${port}/fn/hi`).then(
      async (response) => `${response.status} ${await response.text()}`,
      (error: Error) => error.message,
    );
    if (text === "200 hi") return;
    if (performance.now() > deadlineMs) throw new Error(`${name} answers ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

if (import.meta.main) {
  const rows = await benchWorkers(Number(process.argv[2] ?? 7));
  printTable(`One worker and two, on ${availableParallelism()} cores`, rows);
}
