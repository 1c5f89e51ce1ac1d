/**
 * The way to a warm function: `node bench/events/delays.ts [CALLS]`. From the request to the start of an asynchronous call,
 * and from a publish to the subscriber, on SQLite and on a PostgreSQL of its own. Clock of the client and of the function
 * are the same.
 */
import { setTimeout as pause } from "node:timers/promises";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";
import { startPostgres } from "./postgres-server.ts";

const FUNCTION = `export default () => String(performance.timeOrigin + performance.now());`;
const calls = Number(process.argv[2] ?? 300);

const nowMs = () => performance.timeOrigin + performance.now();

async function toCall({ url }: SkiffProcess): Promise<{ fromRequest: number; fromAnswer: number }> {
  const requestedMs = nowMs();
  const response = await fetch(`${url}/async/fn/called/`, { method: "POST", body: "x" });
  const { id } = (await response.json()) as { id: string };
  const answeredMs = nowMs();
  for (;;) {
    const result = await fetch(`${url}/call/${id}/result`);
    const text = await result.text();
    if (result.status === 200)
      return { fromRequest: Number(text) - requestedMs, fromAnswer: Number(text) - answeredMs };
    await pause(5);
  }
}

async function toSubscriber({ url }: SkiffProcess): Promise<number> {
  const publishedMs = nowMs();
  const response = await fetch(`${url}/topic/ticks/call`, { method: "POST", body: "x" });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  return Number(text) - publishedMs;
}

async function rowsOf(env: Record<string, string>): Promise<Row[]> {
  const skiff = await SkiffProcess.start(env);
  try {
    await skiff.deploy("called", FUNCTION, "min=1");
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ topic: "ticks", function: "called" });
    const put = await fetch(`${skiff.url}/subscription/called`, { method: "PUT", headers, body });
    if (!put.ok) throw new Error(await put.text());
    const figures = { fromRequest: [] as number[], fromAnswer: [] as number[], toSubscriber: [] as number[] };
    for (let call = -20; call < calls; call++) {
      const { fromRequest, fromAnswer } = await toCall(skiff);
      await pause(10);
      const published = await toSubscriber(skiff);
      await pause(10);
      if (call < 0) continue;
      figures.fromRequest.push(fromRequest);
      figures.fromAnswer.push(fromAnswer);
      figures.toSubscriber.push(published);
    }
    const row = (what: string, values: readonly number[], most?: number): Row => {
      const p50 = median(values);
      const p99 = values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1]!;
      const figure = `${ms(p50)}, p99 ${ms(p99)}`;
      return most === undefined
        ? { what, figure }
        : { what, figure, target: `p50 <= ${most} ms`, met: p50 <= most };
    };
    return [
      row("from the request to the start of the call", figures.fromRequest),
      row("from the acknowledgement to the start of the call", figures.fromAnswer, 5),
      row("from publish to subscriber", figures.toSubscriber, 10),
    ];
  } finally {
    await skiff.close();
  }
}

printTable("The way to a warm function, on SQLite", await rowsOf({}));
const postgres = await startPostgres();
try {
  printTable("The way to a warm function, on PostgreSQL", await rowsOf({ SKIFF_STORE: postgres.url }));
} finally {
  await postgres.close();
}
