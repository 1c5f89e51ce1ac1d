/**
 * Measures the time from a call's `console.log` to its arrival at a follower, and counts lines that do not arrive:
 * `node bench/logs/tail-delay.ts [CALLS_PER_SECOND] [SECONDS]`, 5,000 calls a second by default.
 */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { openLoad } from "../tools/open-load.ts";
import { printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

const SOURCE = `export default () => { console.log("printed", Date.now()); return "ok"; };`;
const ARRIVED_MS = 2_000;

export async function benchTailDelay(perSecond: number, seconds: number): Promise<Row[]> {
  const skiff = await SkiffProcess.start();
  try {
    await skiff.deploy("tail", SOURCE, "min=1&max=1&concurrency=1000");
    const headers = { accept: "application/x-ndjson" };
    const following = get(`${skiff.url}/func/tail/logs?follow=true&tail=0`, { headers });
    const [response] = (await once(following, "response")) as [IncomingMessage];
    const delaysMs: number[] = [];
    let rest = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      const nowMs = Date.now();
      for (const line of lines) {
        const printedMs = Number(/"printed (\d+)"/.exec(line)?.[1]);
        if (printedMs > 0) delaysMs.push(nowMs - printedMs);
      }
    });
    response.on("error", () => {});
    const port = Number(new URL(skiff.url).port);
    const result = await openLoad({ port, path: "/fn/tail", perSecond, timeMs: seconds * 1_000 });
    await pause(ARRIVED_MS);
    following.destroy();
    delaysMs.sort((a, b) => a - b);
    const at = (part: number) => delaysMs[Math.floor(part * (delaysMs.length - 1))] ?? Number.NaN;
    const calls = result.good.calls;
    return [
      { what: "calls answered with 200", figure: `${(calls / seconds).toFixed(0)} a second` },
      {
        what: "from console.log to the follower",
        figure: `${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`,
      },
      { what: "lines that did not arrive", figure: `${calls - delaysMs.length} of ${calls}` },
    ];
  } finally {
    await skiff.close();
  }
}

if (import.meta.main) {
  const [perSecond = "5000", seconds = "10"] = process.argv.slice(2);
  printTable(
    `Following a log at ${perSecond} calls/s`,
    await benchTailDelay(Number(perSecond), Number(seconds)),
  );
}
