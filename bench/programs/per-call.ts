/**
 * Measures programs beside a bare spawn of the same, and programs that serve beside Deno:
 * `node bench/programs/per-call.ts [CALLS] [ROUNDS]`. The second part needs wrk and nginx.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { StartedHost, shellOrder } from "../../test/support/programs/started-host.ts";
import { startDeno } from "../requests/start-deno.ts";
import { startNginx } from "../tools/nginx.ts";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";
import { has, wrk } from "../tools/wrk.ts";

const SCRIPT = "#!/bin/sh\necho hello\n";
const MOST_OVER_SPAWN_MS = 5;
/** What the sandbox, and the way through the router, may add to that. */
const MOST_OVER_HOST_MS = 10;
const LEAST_PART_OF_DENO = 0.9;
const CONNECTIONS = 16;
const START_MS = 10_000;

const SERVER = `#!/usr/bin/env node
require("node:http").createServer((request, response) => response.end("hi")).listen(process.env.SOCKET);
`;
const HANDLER = `() => new Response("hi")`;

async function timed(work: () => Promise<string>): Promise<number> {
  const sinceMs = performance.now();
  const output = await work();
  const tookMs = performance.now() - sinceMs;
  if (output !== "hello\n") throw new Error(`the program printed ${JSON.stringify(output)}`);
  return tookMs;
}

async function bareSpawn(file: string): Promise<string> {
  const child = spawn(file, [], { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return output;
}

async function get(options: { socketPath: string } | { port: number; path: string }, agent: Agent) {
  const asked = request({ ...options, agent, headers: { "x-skiff-wait": "1000" } });
  asked.end();
  const [response] = await once(asked, "response");
  return await text(response);
}

function quantile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)]!;
}

async function benchCalls(calls: number): Promise<Row[]> {
  const host = await StartedHost.start(
    { host: { ...shellOrder(""), command: ["./main"] } },
    { main: SCRIPT },
  );
  const skiff = await SkiffProcess.start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await skiff.deploy("shell", SCRIPT, "runtime=program&min=1&concurrency=1");
    const port = Number(new URL(skiff.url).port);
    const ways = [
      { what: "a bare spawn of a shell program", run: () => bareSpawn(join(host.folder, "main")) },
      { what: "a call of it, without a sandbox", run: () => get({ socketPath: host.address.unix }, agent) },
      {
        what: "a call of it through Skiff, in its sandbox",
        run: () => get({ port, path: "/fn/shell" }, agent),
      },
    ];
    const times = ways.map((): number[] => []);
    for (let i = -10; i < calls; i++) {
      for (const [at, { run }] of ways.entries()) {
        const tookMs = await timed(run);
        if (i >= 0) times[at]!.push(tookMs);
      }
    }
    const middle = times.map(median);
    const limits = [undefined, middle[0]! + MOST_OVER_SPAWN_MS, middle[1]! + MOST_OVER_HOST_MS];
    return ways.map(({ what }, at) => {
      const figure = `p50 ${ms(middle[at]!)}, p99 ${ms(quantile(times[at]!, 0.99))}`;
      const limit = limits[at];
      return limit === undefined
        ? { what, figure }
        : { what, figure, target: `p50 at most ${ms(limit)}`, met: middle[at]! <= limit };
    });
  } finally {
    agent.destroy();
    await skiff.close();
    await host.close();
  }
}

/** Compares the part of nginx's rate that each reaches, in front of the same server as nginx. */
async function benchServers(rounds: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-programs-"));
  const children: ChildProcess[] = [];
  const skiff = await SkiffProcess.start();
  try {
    await skiff.deploy("deno", `export default ${HANDLER};\n`, "min=1");
    await skiff.deploy("program", SERVER, "runtime=program&mode=serve&min=1");
    const program = join(folder, "deno.ts");
    writeFileSync(program, `Deno.serve({ onListen() {} }, ${HANDLER});\n`);
    const deno = (await startDeno({ folder, program, children })).socket;
    const server = join(folder, "server.cjs");
    writeFileSync(server, SERVER);
    const socket = join(folder, "program.sock");
    children.push(spawn(process.execPath, [server], { env: { SOCKET: socket }, stdio: "inherit" }));
    const deadlineMs = performance.now() + START_MS;
    while (!existsSync(socket)) {
      if (performance.now() > deadlineMs) throw new Error("the bare server did not start");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const upstreams = { deno, program: socket };
    const nginx = await startNginx({ folder: join(folder, "nginx"), workers: 1, upstreams, children });
    const port = Number(new URL(skiff.url).port);
    const ratios = { deno: [] as number[], program: [] as number[] };
    for (let round = -1; round < rounds; round++) {
      for (const name of ["deno", "program"] as const) {
        const [own, peer] = [port, nginx].map((each) =>
          wrk(`http://127.0.0.1:${each}/fn/${name}`, CONNECTIONS),
        );
        if (round >= 0) ratios[name].push(own! / peer!);
      }
    }
    const [ofDeno, ofProgram] = [median(ratios.deno), median(ratios.program)];
    return {
      what: "a program that serves",
      figure: `${ofProgram.toFixed(2)} × nginx, Deno ${ofDeno.toFixed(2)} × nginx`,
      target: `at least ${LEAST_PART_OF_DENO} of Deno's part`,
      met: ofProgram >= LEAST_PART_OF_DENO * ofDeno,
    };
  } finally {
    // SIGKILL would leave nginx's worker running.
    for (const child of children) child.kill("SIGTERM");
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function benchPrograms(calls = 200, rounds = 5): Promise<Row[]> {
  const servers = has("wrk", "-v") && has("nginx", "-v") ? [await benchServers(rounds)] : [];
  return [...(await benchCalls(calls)), ...servers];
}

if (import.meta.main) {
  const [calls, rounds] = process.argv.slice(2).map(Number);
  printTable("Programs", await benchPrograms(calls, rounds));
}
