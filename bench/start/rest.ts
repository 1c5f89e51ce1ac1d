/** Measures how long `npm start` takes and what Skiff uses at rest, next to a bare start of Node. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, ms, printTable, type Row } from "../tools/report.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ROUNDS = 11;
/** Rounds that also read the memory. */
const RESTS = 3;
const START_MS = 20_000;
/** What follows a start is over by then. */
const REST_MS = 5_000;
const MOST_START_MS = 600;
const MOST_MIB = 110;

/** Measures the time from spawning `npm start` to the line that says where Skiff listens, and then its memory. */
async function startSkiff(dataFolder: string, rests: boolean): Promise<{ startMs: number; restMiB: number }> {
  const sinceMs = performance.now();
  const args = ["start", "--silent", "--", "--port", "0", "--data", dataFolder];
  const npm = spawn("npm", args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const ended = once(npm, "exit");
  try {
    const startMs = await new Promise<number>((resolve, reject) => {
      let text = "";
      const fail = (why: string) => reject(new Error(`Skiff ${why}:\n${text}`));
      const deadline = setTimeout(() => fail("did not start in time"), START_MS);
      npm.once("exit", (code) => fail(`exited with code ${code}`));
      npm.stdout.on("data", (chunk: Buffer) => {
        text += chunk;
        if (!/listens on http:/.test(text)) return;
        clearTimeout(deadline);
        resolve(performance.now() - sinceMs);
      });
    });
    if (rests) await new Promise((resolve) => setTimeout(resolve, REST_MS));
    return { startMs, restMiB: residentMiB(skiffOf(npm.pid!)) };
  } finally {
    if (npm.exitCode === null && npm.signalCode === null) process.kill(-npm.pid!, "SIGTERM");
    await ended;
  }
}

/** The process that npm's shell has become. */
function skiffOf(npm: number): number {
  return Number(readFileSync(`/proc/${npm}/task/${npm}/children`, "utf8").split(" ")[0]);
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

async function bareNode(): Promise<number> {
  const sinceMs = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  return performance.now() - sinceMs;
}

export async function benchRest(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-rest-"));
  const existing = join(folder, "existing");
  const [bare, fresh, again, rest]: [number[], number[], number[], number[]] = [[], [], [], []];
  try {
    // The first start after an update compiles.
    await startSkiff(existing, false);
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await bareNode());
      const rests = round < RESTS;
      const { startMs, restMiB } = await startSkiff(join(folder, String(round)), rests);
      fresh.push(startMs);
      if (rests) rest.push(restMiB);
      again.push((await startSkiff(existing, false)).startMs);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const base = median(bare);
  const startRow = (what: string, values: readonly number[]): Row => {
    const middle = median(values);
    const ratio = (middle / base).toFixed(1);
    return {
      what,
      figure: `${ms(middle)} (${ms(Math.min(...values))} at best) = ${ratio} × bare`,
      target: `at most ${MOST_START_MS} ms`,
      met: middle <= MOST_START_MS,
    };
  };
  return [
    { what: "bare Node: start to end", figure: ms(base) },
    startRow("npm start to ready, new data folder", fresh),
    startRow("npm start to ready, existing data folder", again),
    {
      what: "resident at rest, nothing deployed",
      figure: `${median(rest).toFixed(0)} MiB`,
      target: `at most ${MOST_MIB} MiB`,
      met: median(rest) <= MOST_MIB,
    },
  ];
}

if (import.meta.main) printTable("Start and rest", await benchRest());
