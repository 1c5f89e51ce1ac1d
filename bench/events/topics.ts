/**
 * Topics: `node bench/events/topics.ts [EVENTS]`. How long an event takes to a warm function while one is published every
 * 20 ms, how long a reply takes, and how many events are acknowledged and delivered in a second. `SKIFF_STORE` selects
 * another store.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Pool } from "undici";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

const TARGET_P50_MS = 10;
const SINGLE_EVENTS = 300;
const CONNECTIONS = 32;
const LONGEST_MS = 300_000;
/** Answers at GET how late the events were that it got, and with a reply where `?reply` asks for it. */
const FUNCTION = `const late = [];
export default async (request) => {
  if (request.method === "GET") return Response.json(late.splice(0));
  late.push(Date.now() - Number(await request.text()));
  return new Response(request.url.endsWith("?reply") ? "reply" : null);
};`;

const count = Number(process.argv[2] ?? 10_000);
const skiff = await SkiffProcess.start();
const pool = new Pool(skiff.url, { connections: CONNECTIONS });

async function send(method: "GET" | "POST" | "PUT", path: string, body?: string): Promise<string> {
  const headers = method === "PUT" ? { "content-type": "application/json" } : {};
  const response = await pool.request({ method, path, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.body.text();
  if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
  return text;
}

async function delays(name: string): Promise<number[]> {
  return JSON.parse(await send("GET", `/fn/${name}`)) as number[];
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1]!;
}

function rowsOf(what: string, values: readonly number[], targetMs?: number): Row[] {
  const p50 = median(values);
  const target = targetMs === undefined ? {} : { target: `<= ${targetMs} ms`, met: p50 <= targetMs };
  return [
    { what: `${what}, p50`, figure: ms(p50), ...target },
    { what: `${what}, p99`, figure: ms(percentile(values, 0.99)) },
  ];
}

/** Publishes single events and returns how late they were at the function. */
async function publishOften(): Promise<number[]> {
  const seen: number[] = [];
  for (let event = 0; event < SINGLE_EVENTS; event++) {
    await send("POST", "/topic/single", String(Date.now()));
    await pause(20);
  }
  const deadline = performance.now() + LONGEST_MS;
  while (seen.length < SINGLE_EVENTS && performance.now() < deadline) seen.push(...(await delays("single")));
  if (seen.length !== SINGLE_EVENTS) throw new Error(`${seen.length} of ${SINGLE_EVENTS} events came`);
  return seen;
}

async function timesOf(times: number, ask: () => Promise<unknown>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < times; round++) {
    const startMs = performance.now();
    await ask();
    values.push(performance.now() - startMs);
  }
  return values;
}

/** Publishes as fast as `CONNECTIONS` clients can, to a group of three functions. */
async function publishAll(): Promise<Row[]> {
  const members = ["a", "b", "c"];
  const times: number[] = [];
  let left = count;
  const startMs = performance.now();
  const client = async () => {
    while (left-- > 0) {
      const sentMs = performance.now();
      await send("POST", "/topic/many", String(Date.now()));
      times.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  const publishedMs = performance.now() - startMs;
  let delivered = 0;
  while (delivered < count && performance.now() - startMs < LONGEST_MS) {
    for (const name of members) delivered += (await delays(name)).length;
    await pause(50);
  }
  if (delivered !== count) throw new Error(`${delivered} of ${count} events came`);
  const perSecond = (elapsedMs: number) => `${Math.round((count * 1_000) / elapsedMs)}/s`;
  return [
    { what: "acknowledged", figure: perSecond(publishedMs) },
    { what: "acknowledgement, p99", figure: ms(percentile(times, 0.99)) },
    { what: "delivered", figure: perSecond(performance.now() - startMs) },
  ];
}

try {
  for (const name of ["single", "reply", "a", "b", "c"]) await skiff.deploy(name, FUNCTION, "min=1&max=1");
  const subscribe = (name: string, spec: object) =>
    send("PUT", `/subscription/${name}`, JSON.stringify({ function: name, ...spec }));
  await send("PUT", "/topic/asked", JSON.stringify({ paths: ["/asked"] }));
  await subscribe("single", { topic: "single" });
  await subscribe("reply", { topic: "asked", path: "/?reply" });
  for (const name of ["a", "b", "c"]) await subscribe(name, { topic: "many", group: "members" });
  const calls = await timesOf(SINGLE_EVENTS, () => send("POST", "/fn/reply?reply", String(Date.now())));
  const asked = await timesOf(SINGLE_EVENTS, () => send("POST", "/topic/asked/call", String(Date.now())));
  const gateway = await timesOf(SINGLE_EVENTS, () =>
    send("POST", "/gateway/asked?reply", String(Date.now())),
  );
  printTable(`Topics, ${process.env.SKIFF_STORE ? "PostgreSQL" : "SQLite"}`, [
    ...rowsOf("publish to subscriber", await publishOften(), TARGET_P50_MS),
    ...rowsOf("call of a topic", asked),
    ...rowsOf("gateway", gateway),
    ...rowsOf("plain call beside them", calls),
    ...(await publishAll()),
  ]);
} finally {
  await pool.close();
  await skiff.close();
}
