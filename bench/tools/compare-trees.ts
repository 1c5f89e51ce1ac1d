/**
 * Compares the processor time of one call in the routers of two checkouts, in alternation:
 * `node bench/tools/compare-trees.ts BEFORE AFTER [get|post] [ROUNDS]`. Needs wrk and Linux.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { processorUs } from "./processor-time.ts";
import { median } from "./report.ts";
import { startUpstream } from "./upstream.ts";

const SECONDS = 2;
interface Router {
  readonly pid: number;
  readonly port: number;
}

async function startRouter(tree: string, upstream: number, children: ChildProcess[]): Promise<Router> {
  const programs = ["bench/tools/router-process.ts", "bench/router-process.ts"];
  const program = programs.map((path) => join(tree, path)).find((path) => existsSync(path));
  if (program === undefined) throw new Error(`${tree} has no router-process.ts`);
  const child = spawn(process.execPath, [program], { cwd: tree, stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  child.stdin.write(`1 127.0.0.1:${upstream}\n`);
  await once(child.stdout, "data");
  return { pid: child.pid!, port: Number(String(port)) };
}

/** Microseconds of processor time for each call. */
function measure({ pid, port }: Router, script: string): number {
  const before = processorUs(pid);
  const args = ["-t1", "-c32", `-d${SECONDS}s`, "-s", script, `http://127.0.0.1:${port}/fn/f-0`];
  const text = execFileSync("wrk", args, { encoding: "utf8" });
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return (processorUs(pid) - before) / Number(/(\d+) requests in/.exec(text)![1]);
}

const [before, after, method = "get", rounds = "8"] = process.argv.slice(2);
if (before === undefined || after === undefined) throw new Error("Name two checkouts.");
const folder = mkdtempSync(join(tmpdir(), "skiff-compare-"));
const children: ChildProcess[] = [];
try {
  const script = join(folder, "calls.lua");
  const body = method === "post" ? `wrk.method = "POST"\nwrk.body = string.rep("x", 1024)\n` : "";
  writeFileSync(script, body);
  const upstream = await freePort();
  const source = `Deno.serve({ onListen() {} }, async (request) => {
    if (request.body) await request.text();
    return new Response("hi");
  });\n`;
  startUpstream({ folder, source, address: `tcp:127.0.0.1:${upstream}`, children });
  const routers = [
    await startRouter(before, upstream, children),
    await startRouter(after, upstream, children),
  ];
  for (const router of routers) measure(router, script);
  const ratios: number[] = [];
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < Number(rounds); round++) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const index of order) times[index as 0 | 1].push(measure(routers[index]!, script));
    ratios.push(times[1].at(-1)! / times[0].at(-1)!);
  }
  const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  console.log(`${method}: ${median(times[0]).toFixed(1)} → ${median(times[1]).toFixed(1)} µs per call`);
  console.log(`ratio ${median(ratios).toFixed(3)} (${range}), ${rounds} rounds`);
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
