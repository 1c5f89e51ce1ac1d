/**
 * Makes calls at a fixed rate, independently of answers, in a process of its own:
 * `open-load.ts PORT PATH PER_SECOND MS [METHOD]`. Prints an `OpenLoadResult`.
 */
import { spawn } from "node:child_process";
import http from "node:http";
import { fileURLToPath } from "node:url";

export interface OpenLoadOptions {
  readonly port: number;
  readonly path: string;
  readonly perSecond: number;
  readonly timeMs: number;
  /** GET by default. */
  readonly method?: string;
}

export interface OpenLoadResult {
  /** Answers with 200 or 202 in each second, by the time of the answer. */
  readonly goodPerSecond: readonly number[];
  readonly good: Spread;
  /** Answers with 429 or 503 and Retry-After. */
  readonly refused: Spread;
  /** Other answers, and calls without one. */
  readonly others: number;
}

export interface Spread {
  readonly calls: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

const TICK_MS = 5;

async function call(
  agent: http.Agent,
  { port, path, method = "GET" }: OpenLoadOptions,
): Promise<"good" | "refused" | "other"> {
  return new Promise((resolve) => {
    const request = http.request({ port, host: "127.0.0.1", path, method, agent }, (response) => {
      const { statusCode, headers } = response;
      response.resume();
      response.once("end", () => {
        const isRefused = (statusCode === 429 || statusCode === 503) && Number(headers["retry-after"]) >= 1;
        const isGood = statusCode === 200 || statusCode === 202;
        resolve(isGood ? "good" : isRefused ? "refused" : "other");
      });
      response.once("error", () => resolve("other"));
    });
    request.once("error", () => resolve("other"));
    request.end();
  });
}

async function run(options: OpenLoadOptions): Promise<OpenLoadResult> {
  const { perSecond, timeMs } = options;
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const latenciesMs = { good: [] as number[], refused: [] as number[], other: [] as number[] };
  const goodPerSecond: number[] = new Array(Math.ceil(timeMs / 1_000)).fill(0);
  const startedMs = performance.now();
  const calls: Promise<void>[] = [];
  const one = async () => {
    const sentMs = performance.now();
    const kind = await call(agent, options);
    const nowMs = performance.now();
    latenciesMs[kind].push(nowMs - sentMs);
    const second = Math.floor((nowMs - startedMs) / 1_000);
    if (kind === "good" && second < goodPerSecond.length) goodPerSecond[second]!++;
  };
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startedMs;
      const due = (Math.min(elapsedMs, timeMs) / 1_000) * perSecond;
      while (calls.length < due) calls.push(one());
      if (elapsedMs < timeMs) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await Promise.all(calls);
  agent.destroy();
  return {
    goodPerSecond,
    good: spread(latenciesMs.good),
    refused: spread(latenciesMs.refused),
    others: latenciesMs.other.length,
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { calls: sorted.length, medianMs: at(0.5), p99Ms: at(0.99) };
}

/** Runs the load in another process, whose event loop has no other work. */
export async function openLoad({
  port,
  path,
  perSecond,
  timeMs,
  method = "GET",
}: OpenLoadOptions): Promise<OpenLoadResult> {
  const args = [fileURLToPath(import.meta.url), port, path, perSecond, timeMs, method].map(String);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const chunk of child.stdout) text += chunk;
  return JSON.parse(text) as OpenLoadResult;
}

if (import.meta.main) {
  const [port, path, perSecond, timeMs, method = "GET"] = process.argv.slice(2);
  const options = {
    port: Number(port),
    path: path!,
    perSecond: Number(perSecond),
    timeMs: Number(timeMs),
    method,
  };
  console.log(JSON.stringify(await run(options)));
}
