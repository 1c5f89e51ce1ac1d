/**
 * Measures a call in an instance, on its own socket, beside a bare `Deno.serve` of the same handler that gets the same
 * bytes: `node bench/requests/instance-cost.ts [ROUNDS] [TREE…]`. With several checkouts it compares their instances.
 */
import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lastDescendant } from "../../platform/local/wall/sandbox.ts";
import { processorUs } from "../tools/processor-time.ts";
import { median, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";
import { HANDLERS, LOADS, type Load } from "./loads.ts";
import { startDeno } from "./start-deno.ts";

const CONNECTIONS = 32;
const TIME_MS = 700;
const WARM_MS = 1_500;
/** Time for the instance of the load before to end. */
const ENDED_MS = 10_000;
const CHECK_MS = 50;

/** What the router adds to every call. */
const ROUTER = [
  "x-forwarded-for: 127.0.0.1",
  "x-forwarded-proto: http",
  "x-forwarded-host: localhost:8080",
  "x-forwarded-prefix: /fn/hi",
  "x-skiff-call-id: 7d0c6a52-55d3-4c3e-9d5b-0f6f5ad9b6a1",
  "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
];

/** A process that serves the handler on a Unix socket. */
interface Server {
  readonly pid: number;
  readonly socket: string;
}

interface Figure {
  readonly perSecond: number;
  readonly processorUs: number;
}

/** Returns what socket-load.ts reads: the requests that go in turn, and the size of an answer's body. */
function inputOf({ headers = [], body, every = 1, answer = 2 }: Load): string {
  const lines = ["host: localhost:8080", ...headers, ...ROUTER];
  const request = (sent: string | undefined) => {
    const framing = sent === undefined ? [] : [`content-length: ${sent.length}`];
    const head = [`${sent === undefined ? "GET" : "POST"} / HTTP/1.1`, ...lines, ...framing, "", ""];
    return head.join("\r\n") + (sent ?? "");
  };
  const requests = Array.from({ length: every }, (_, index) =>
    request(index === every - 1 ? body : undefined),
  );
  return JSON.stringify({ requests, answer });
}

function measure({ pid, socket }: Server, input: string, timeMs: number): Figure {
  const program = fileURLToPath(new URL("socket-load.ts", import.meta.url));
  const before = processorUs(pid);
  const args = [program, socket, String(CONNECTIONS), String(timeMs)];
  const calls = Number(execFileSync(process.execPath, args, { input, encoding: "utf8" }));
  return { perSecond: (calls / timeMs) * 1_000, processorUs: (processorUs(pid) - before) / calls };
}

/** Deploys the handler and returns its instance, once that is the only one. */
async function instanceOf(skiff: SkiffProcess, name: string, { handler }: Load): Promise<Server> {
  await skiff.deploy(name, `export default ${HANDLERS[handler]};\n`, "min=1&max=1");
  const folders = join(skiff.folder, "instances");
  const untilMs = performance.now() + ENDED_MS;
  for (;;) {
    const listening = readdirSync(folders)
      .map((id) => join(folders, id))
      .filter((folder) => existsSync(join(folder, "sock")));
    const [folder] = listening;
    if (listening.length === 1) {
      const { pid } = JSON.parse(readFileSync(join(folder!, "pid"), "utf8")) as { pid: number };
      return { pid: lastDescendant(pid), socket: join(folder!, "sock") };
    }
    if (performance.now() > untilMs) throw new Error(`${listening.length} instances instead of one`);
    await setTimeout(CHECK_MS);
  }
}

async function measureLoad(load: Load, trees: readonly SkiffProcess[], rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-instance-cost-"));
  const children: ChildProcess[] = [];
  try {
    const source = join(folder, "bare.js");
    writeFileSync(source, `Deno.serve({ onListen() {} }, ${HANDLERS[load.handler]});\n`);
    const bare = await startDeno({ folder, program: source, children });
    const instances = await Promise.all(trees.map((skiff) => instanceOf(skiff, "cost", load)));
    const servers = [bare, ...instances];
    const request = inputOf(load);
    for (const server of servers) measure(server, request, WARM_MS);
    const figures = servers.map((): Figure[] => []);
    for (let round = 0; round < rounds; round++) {
      // Each server is first, in the middle and last in turn.
      for (let i = 0; i < servers.length; i++) {
        const at = (i + round) % servers.length;
        figures[at]!.push(measure(servers[at]!, request, TIME_MS));
      }
    }
    return figures.slice(1).map((own, index) => rowOf(load, own, figures[0]!, trees[index]!.tree));
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(trees.map((skiff) => skiff.remove("cost")));
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowOf({ what }: Load, own: readonly Figure[], bare: readonly Figure[], tree: string): Row {
  const format = (ratios: number[]) =>
    `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
  const rates = format(own.map(({ perSecond }, round) => perSecond / bare[round]!.perSecond));
  const times = format(own.map(({ processorUs }, round) => processorUs / bare[round]!.processorUs));
  const [us, bareUs] = [own, bare].map((each) => median(each.map(({ processorUs }) => processorUs)));
  return {
    what: `${what}, ${tree}`,
    figure: `${us!.toFixed(1)} µs, bare ${bareUs!.toFixed(1)} µs: ${times} × its time, ${rates} × its rate`,
  };
}

export async function benchInstanceCost(rounds: number, paths: readonly string[] = []): Promise<Row[]> {
  const chosen = paths.length > 0 ? paths : [fileURLToPath(new URL("../..", import.meta.url))];
  const trees = await Promise.all(chosen.map((tree) => SkiffProcess.start({}, [], tree)));
  try {
    const rows: Row[] = [];
    for (const load of LOADS) rows.push(...(await measureLoad(load, trees, rounds)));
    return rows;
  } finally {
    await Promise.all(trees.map((skiff) => skiff.close()));
  }
}

if (import.meta.main) {
  const [rounds = "9", ...trees] = process.argv.slice(2);
  printTable(
    `A call in the instance, at ${CONNECTIONS} connections`,
    await benchInstanceCost(Number(rounds), trees),
  );
}
