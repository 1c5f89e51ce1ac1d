/**
 * Compares Skiff with other proxies in front of the same Deno program on a Unix socket: small GETs at 32 connections,
 * and latency at one. `node bench/peers.ts [ROUNDS]` uses nginx and wrk if they are installed.
 */
import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./tools/free-port.ts";
import type { LoadResult } from "./tools/load-generator.ts";
import { startNginx } from "./tools/nginx.ts";
import { median, ms, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";
import { startPeer } from "./tools/start-peer.ts";
import { startUpstream, UPSTREAM } from "./tools/upstream.ts";
import { has, wrk } from "./tools/wrk.ts";

const CONNECTIONS = 32;
const TIME_MS = 1_000;
const START_MS = 10_000;

interface Peer {
  readonly name: string;
  readonly port: number;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export async function benchPeers(rounds: number): Promise<Row[]> {
  // Skiff's process is as new as the processes of its peers.
  const skiff = await SkiffProcess.start();
  const folder = mkdtempSync(join(tmpdir(), "skiff-peers-"));
  const children: ChildProcess[] = [];
  try {
    await skiff.deploy("hi", UPSTREAM);
    const unix = join(folder, "upstream.sock");
    startUpstream({ folder, address: `unix:${unix}`, children });
    const direct = await freePort();
    startUpstream({ folder, address: `tcp:127.0.0.1:${direct}`, children });
    const peers: Peer[] = [
      { name: "skiff", port: Number(new URL(skiff.url).port) },
      { name: "deno, directly", port: direct },
    ];
    for (const name of ["http-proxy", "http-proxy-3", "node"])
      peers.push({ name, port: await startPeer(name, unix, children) });
    if (has("nginx", "-v")) {
      const port = await startNginx({
        folder: join(folder, "nginx"),
        workers: 1,
        upstreams: { hi: unix },
        children,
      });
      peers.push({ name: "nginx", port });
    }
    for (const { port, name } of peers) await answers(port, name);
    const rates = new Map<string, number[]>();
    const latencies = new Map<string, number[]>();
    const p99s = new Map<string, number[]>();
    for (let round = 0; round < rounds; round++) {
      for (const peer of peers) {
        // A process is slower in its first second after a pause, which does not count.
        throughput(peer.port);
        push(rates, peer.name, throughput(peer.port));
        const { medianMs, p99Ms } = load(peer.port, 1);
        push(latencies, peer.name, medianMs);
        push(p99s, peer.name, p99Ms);
      }
    }
    return [...rows(rates, latencies), added(latencies, "median", 0.2), added(p99s, "99th percentile", 1)];
  } finally {
    // SIGKILL would leave nginx's worker running.
    for (const child of children) child.kill("SIGTERM");
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Computes ratios within a round, in which the load of the machine is similar for all peers. */
function rows(rates: Map<string, number[]>, latencies: Map<string, number[]>): Row[] {
  const skiff = rates.get("skiff")!;
  return [...rates].map(([name, perRound]) => {
    const figure = `${Math.round(median(perRound))}/s  ${ms(median(latencies.get(name)!))}`;
    if (name === "skiff")
      return { what: `${name}: calls at ${CONNECTIONS} connections, latency at 1`, figure };
    const least = { nginx: 0.55, "http-proxy": 2 }[name];
    const ratios = perRound.map((rate, round) => skiff[round]! / rate);
    const ratio = median(ratios);
    const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    const target = `skiff is ${ratio.toFixed(2)} × (${range})${least === undefined ? "" : ` (target ${least})`}`;
    return { what: name, figure, target, ...(least === undefined ? {} : { met: ratio >= least }) };
  });
}

function added(latencies: Map<string, number[]>, which: string, mostMs: number): Row {
  const direct = latencies.get("deno, directly")!;
  const perRound = latencies.get("skiff")!.map((latency, round) => latency - direct[round]!);
  const addedMs = median(perRound);
  const what = `added latency, ${which} at 1 connection`;
  const figure = `${ms(addedMs)} (${ms(Math.min(...perRound))} to ${ms(Math.max(...perRound))})`;
  return { what, figure, target: `at most ${mostMs} ms`, met: addedMs <= mostMs };
}

function push(map: Map<string, number[]>, name: string, value: number): void {
  map.set(name, [...(map.get(name) ?? []), value]);
}

/** Waits for the right answer of a peer, because a wrong answer may be faster. */
async function answers(port: number, name: string): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  for (;;) {
    const answer = await new Promise<string>((resolve) => {
      request({ port, path: "/fn/hi", agent: false }, (response) => {
        let text = `${response.statusCode} `;
        response.on("data", (chunk) => (text += chunk)).on("end", () => resolve(text));
      })
        .on("error", (error) => resolve(error.message))
        .end();
    });
    if (answer === "200 hi") return;
    if (performance.now() > deadlineMs) throw new Error(`${name} answers ${answer}`);
  }
}

function throughput(port: number): number {
  if (has("wrk", "-v")) return wrk(`http://127.0.0.1:${port}/fn/hi`, CONNECTIONS);
  return (load(port, CONNECTIONS).calls / TIME_MS) * 1_000;
}

function load(port: number, connections: number): LoadResult {
  const args = [
    here("tools/load-generator.ts"),
    String(port),
    "/fn/hi",
    String(connections),
    String(TIME_MS),
  ];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as LoadResult;
}

if (import.meta.main) printTable("Skiff and its peers", await benchPeers(Number(process.argv[2] ?? 9)));
