/**
 * Measures deploys and scaling from zero, next to a bare start of Deno with the same handler:
 * `node bench/start-up.ts [ROUNDS]`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { denoPath } from "../runtimes/deno/deno-binary.ts";
import { median, ms, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";

export const HANDLER = `export default { fetch(request: Request): Response { return new Response("hi"); } };\n`;

export async function expectHi(url: string): Promise<void> {
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200 || text !== "hi") throw new Error(`${url}: ${response.status} ${text}`);
}

/** Measures the time from spawning `deno serve` to the first answer over a Unix socket, in milliseconds. */
export async function bareStart(folder: string, round: number): Promise<number> {
  const socketPath = join(folder, `${round}.sock`);
  const file = join(folder, "handler.ts");
  const startedAt = performance.now();
  const child = spawn(denoPath(), ["serve", "--quiet", "--allow-all", "--no-config", file], {
    env: { DENO_DIR: join(folder, "deno"), DENO_SERVE_ADDRESS: `unix:${socketPath}`, NO_COLOR: "1" },
    stdio: "ignore",
  });
  try {
    return await firstAnswer(socketPath, startedAt);
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    // Its end takes the processor for some milliseconds, which the next measurement would pay for.
    await ended;
  }
}

/** Retries until the socket exists, because the peer does not report that it is ready. */
async function firstAnswer(socketPath: string, startedAt: number): Promise<number> {
  while (performance.now() - startedAt < 10_000) {
    const status = await new Promise<number>((resolve) => {
      const asked = request({ socketPath, path: "/", agent: false }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      });
      asked.on("error", () => resolve(0));
      asked.end();
    });
    if (status === 200) return performance.now() - startedAt;
    await new Promise((resolve) => setTimeout(resolve, 0.5));
  }
  throw new Error("the bare Deno did not answer within 10 s");
}

export async function benchStartUp(skiff: SkiffProcess, rounds = 25): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-bare-"));
  writeFileSync(join(folder, "handler.ts"), HANDLER);
  const bare: number[] = [];
  const deploy: number[] = [];
  const wake: number[] = [];
  await skiff.deploy("wake", HANDLER, "idle=100ms");
  // The first start of each program fills caches on the disk.
  await bareStart(folder, -1);
  try {
    for (let round = 0; round < rounds; round++) {
      bare.push(await bareStart(folder, round));

      const deployedAt = performance.now();
      await skiff.deploy("fresh", `// round ${round}\n${HANDLER}`);
      await expectHi(`${skiff.url}/fn/fresh`);
      deploy.push(performance.now() - deployedAt);

      await skiff.stopped("wake");
      const wokenAt = performance.now();
      await expectHi(`${skiff.url}/fn/wake`);
      wake.push(performance.now() - wokenAt);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return [
    { what: "bare Deno: start to first answer", figure: figureOf(bare) },
    rowOf("deploy of a file to its first 200", { times: deploy, bare, most: 1.5 }),
    rowOf("call that starts from zero", { times: wake, bare, most: 1.2 }),
  ];
}

interface Measured {
  readonly times: readonly number[];
  readonly bare: readonly number[];
  /** Greatest ratio of the medians. */
  readonly most: number;
}

function rowOf(what: string, { times, bare, most }: Measured): Row {
  const ratio = median(times) / median(bare);
  const figure = `${figureOf(times)} = ${ratio.toFixed(2)} × bare`;
  return { what, figure, target: `at most ${most} × bare`, met: ratio <= most };
}

export function figureOf(times: readonly number[]): string {
  return `${ms(median(times))} (${ms(Math.min(...times))} to ${ms(Math.max(...times))})`;
}

if (import.meta.main) {
  const skiff = await SkiffProcess.start();
  try {
    printTable("Start-up", await benchStartUp(skiff, Number(process.argv[2] ?? 25)));
  } finally {
    await skiff.close();
  }
}
