/**
 * Measures searches in the log of one function on one machine: `node bench/logs/search.ts [LINES]`, a million by default,
 * which are more bytes than a function may keep. Each search finds a line near the start.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogLine } from "../../platform/platform.ts";
import { SegmentLogStore } from "../../store/segments/segment-log-store.ts";
import type { LogQuery } from "../../store/store.ts";
import { printTable, type Row } from "../tools/report.ts";

const BATCH = 5_000;
const SPECIAL = 1_000;

const idOf = (n: number) => `${String(n).padStart(8, "0")}-55d3-4c3e-9d5b-0f6f5ad9b6a1`;

function line(n: number): LogLine {
  const at = new Date(Date.now() - 60_000);
  const text = n === SPECIAL ? "Connection to Größe refused" : `GET /orders/${n} took ${n % 97} ms`;
  const level = n === SPECIAL ? "error" : "info";
  return { at, instance: "0123456789ab", version: 3, stream: "stdout", level, callId: idOf(n), text };
}

async function timed(what: string, store: SegmentLogStore, query: LogQuery): Promise<Row> {
  let longestMs = 0;
  let lastMs = performance.now();
  const probe = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs);
    lastMs = performance.now();
  }, 1);
  const startMs = performance.now();
  const found = await Array.fromAsync(store.read("f", query));
  const tookMs = performance.now() - startMs;
  clearInterval(probe);
  const figure = `${tookMs.toFixed(0)} ms for ${found.length} lines; the event loop was held for ${longestMs.toFixed(0)} ms`;
  return { what, figure };
}

export async function benchSearch(count: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  const store = new SegmentLogStore({ folder, ageMs: 1e9, bytes: 1024 ** 3, print: console.error });
  try {
    const startMs = performance.now();
    for (let from = 0; from < count; from += BATCH) {
      await store.append(
        "f",
        Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => line(from + n)),
      );
    }
    const perSecond = (count / (performance.now() - startMs)) * 1_000;
    return [
      { what: `writing ${count} lines`, figure: `${perSecond.toFixed(0)} lines/s` },
      await timed("the last 100", store, { tail: 100 }),
      await timed("a call by its id", store, { call: idOf(SPECIAL), tail: 10_000 }),
      await timed("a text", store, { search: "größe REFUSED", tail: 100 }),
      await timed("errors", store, { level: "error", tail: 100 }),
      await timed("a time in which nothing was printed", store, { since: new Date(Date.now() + 86_400_000) }),
    ];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  printTable("Searches in the log of one function", await benchSearch(Number(process.argv[2] ?? 1_000_000)));
}
