/**
 * How late schedules fire: `node bench/events/firings.ts [SCHEDULES] [SECONDS]`. That many schedules call a warm function
 * once a second, all at the same time. The delay is from the scheduled time to when the scheduler takes it up, and to the start of the call.
 */
import { setTimeout as pause } from "node:timers/promises";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

const TARGET_P99_MS = 100;
const TARGET_MOST_MS = 1_000;
const FUNCTION = `export default () => new Response(null, { status: 204 });`;

interface Firing {
  readonly at: string;
  readonly firedAt: string;
  readonly outcome: string;
}

interface Call {
  readonly origin: { readonly at: string };
  readonly attempts: readonly { readonly startedAt: string }[];
}

const [schedules, seconds] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 20)];
const skiff = await SkiffProcess.start();

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(`${skiff.url}${path}`, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

function put(name: string): Promise<unknown> {
  const spec = { cron: "* * * * * *", call: { function: "called" }, overlap: "allow" };
  const headers = { "content-type": "application/json" };
  return json(`/schedule/${name}`, { method: "PUT", headers, body: JSON.stringify(spec) });
}

function rowsOf(what: string, delays: readonly number[]): Row[] {
  const sorted = delays.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1]!;
  const most = sorted.at(-1)!;
  return [
    { what: `${what}, p50`, figure: ms(median(sorted)) },
    { what: `${what}, p99`, figure: ms(p99), target: `<= ${TARGET_P99_MS} ms`, met: p99 <= TARGET_P99_MS },
    {
      what: `${what}, most`,
      figure: ms(most),
      target: `<= ${TARGET_MOST_MS} ms`,
      met: most <= TARGET_MOST_MS,
    },
  ];
}

try {
  await skiff.deploy("called", FUNCTION, "min=1");
  const names = Array.from({ length: schedules }, (_, index) => `often-${index}`);
  for (const name of names) await put(name);
  await pause(seconds * 1_000);
  for (const name of names) await json(`/schedule/${name}/pause`, { method: "POST" });
  await pause(2_000);
  const pages = await Promise.all(
    names.map(async (name) => ({
      firings: (await json<{ firings: Firing[] }>(`/schedule/${name}/firings`)).firings,
      calls: (await json<{ calls: Call[] }>(`/call?schedule=${name}`)).calls,
    })),
  );
  const firings = pages.flatMap((page) => page.firings);
  if (firings.some(({ outcome }) => outcome !== "fired")) throw new Error("A time did not fire.");
  const calls = pages.flatMap((page) => page.calls);
  const stored = firings.map(({ at, firedAt }) => Date.parse(firedAt) - Date.parse(at));
  const started = calls.map(
    ({ origin, attempts }) => Date.parse(attempts[0]!.startedAt) - Date.parse(origin.at),
  );
  printTable(`${firings.length} firings of ${schedules} schedules`, [
    ...rowsOf("fired", stored),
    ...rowsOf("started", started),
  ]);
} finally {
  await skiff.close();
}
