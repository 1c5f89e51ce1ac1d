/**
 * Measures the cost of a function in a router that has many: `node bench/many-functions.ts [ROUNDS]`. All functions
 * share one instance, a bare Node server, because 10,000 instances would measure the machine.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { LoadResult } from "./tools/load-generator.ts";
import { median, printTable, type Row } from "./tools/report.ts";

const COUNT = 10_000;
const CONNECTIONS = 32;
const TIME_MS = 1_000;
/** Time after which the router has closed unused connections. */
const IDLE_MS = 10_000;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

interface Program {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: AsyncIterator<string>;
}

function start(...args: string[]): Program {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines: Interface = createInterface({ input: child.stdout });
  return { child, lines: lines[Symbol.asyncIterator]() };
}

async function nextNumber({ lines }: Program): Promise<number> {
  const { value, done } = await lines.next();
  if (done) throw new Error("a program of the bench ended");
  return Number(value);
}

function load(port: number, path: string): number {
  const args = [port, path, CONNECTIONS, TIME_MS].map(String);
  const output = execFileSync(process.execPath, [here("tools/load-generator.ts"), ...args], {
    encoding: "utf8",
  });
  return (JSON.parse(output) as LoadResult).calls;
}

/** Calls every function once. */
async function callAll(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  let next = 0;
  const client = async () => {
    for (let i = next++; i < COUNT; i = next++) {
      const [response] = await once(get({ port, path: `/fn/f-${i}`, agent }), "response");
      if (response.statusCode !== 200 || (await text(response)) !== "hi") throw new Error(`f-${i} fails`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  agent.destroy();
}

export async function benchManyRoutes(rounds: number): Promise<Row[]> {
  const instance = start(here("tools/peer.ts"), "node");
  const router = start(here("tools/router-process.ts"));
  try {
    const address = `127.0.0.1:${await nextNumber(instance)}`;
    const port = await nextNumber(router);
    const publish = async (count: number) => {
      router.child.stdin.write(`${count} ${address}\n`);
      return nextNumber(router);
    };
    await publish(1);
    load(port, "/fn/f-0");
    const alone = Array.from({ length: rounds }, () => load(port, "/fn/f-0"));
    const uncalled = await publish(COUNT);
    await callAll(port);
    const connected = await publish(COUNT);
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const called = await publish(COUNT);
    const [first, last]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      first.push(load(port, "/fn/f-0"));
      last.push(load(port, `/fn/f-${COUNT - 1}`));
    }
    const ratio = median(last.map((calls, round) => calls / first[round]!));
    const kib = (bytes: number) => (bytes - uncalled) / COUNT / 1_024;
    return [
      { what: "calls of the only function", figure: `${median(alone)}/s` },
      { what: `calls of the first of ${COUNT}`, figure: `${median(first)}/s` },
      {
        what: `calls of the last of ${COUNT}`,
        figure: `${median(last)}/s = ${ratio.toFixed(2)} × the first`,
        target: "at least 0.95 ×",
        met: ratio >= 0.95,
      },
      {
        what: "memory of the router per function that was called",
        figure: `${kib(called).toFixed(1)} KiB, ${kib(connected).toFixed(1)} KiB while its connection is open`,
        target: "at most 10 KiB",
        met: kib(connected) <= 10,
      },
    ];
  } finally {
    for (const { child } of [router, instance]) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  }
}

if (import.meta.main) {
  printTable(`A router with ${COUNT} functions`, await benchManyRoutes(Number(process.argv[2] ?? 7)));
}
