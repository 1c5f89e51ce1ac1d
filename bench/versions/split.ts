/**
 * How exactly calls follow the weights of versions, whether callers stay with their version, and what choosing one costs:
 * `node bench/versions/split.ts [CALLS]`, 10,000 by default. The target for shares is ±1 %.
 */
import { Pool } from "undici";
import type { Sticky, Traffic } from "../../platform/platform.ts";
import { chooseSticky } from "../../platform/sticky.ts";
import { chooseVersion } from "../../platform/traffic.ts";
import type { RequestHead } from "../../router/exchange/request.ts";
import { stickyValue } from "../../router/exchange/sticky-value.ts";
import { printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

const AT_ONCE = 32;
const MOST_DEVIATION = 1;
const CHOICES = 1_000_000;
const calls = Number(process.argv[2] ?? 10_000);

const skiff = await SkiffProcess.start();
const pool = new Pool(skiff.url, { connections: AT_ONCE });

async function manage(method: "POST" | "PUT", path: string, body: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${skiff.url}${path}`, { method, body, headers });
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
}

/** Makes the calls, and returns the answers of each caller in turn. */
async function call(cookieOf: (index: number) => string | undefined): Promise<string[]> {
  const answers: string[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < calls; index = next++) {
      const cookie = cookieOf(index);
      const headers = cookie === undefined ? {} : { cookie };
      const { statusCode, body } = await pool.request({ path: "/fn/split", method: "GET", headers });
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`${statusCode}: ${text}`);
      answers[index] = text;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return answers;
}

const setTraffic = (weights: Readonly<Record<number, number>>, sticky?: Sticky) =>
  manage("PUT", "/func/split/traffic", JSON.stringify({ weights, sticky }));

/** The largest difference between the share of a version and its weight, in percent of all calls. */
function deviation(answers: readonly string[], weights: Readonly<Record<number, number>>): number {
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  const off = Object.entries(weights).map(([version, weight]) => {
    const got = answers.filter((answer) => answer === version).length / answers.length;
    return Math.abs(got - weight / sum) * 100;
  });
  return Math.max(...off);
}

/** Nanoseconds for one choice. */
function cost(choose: () => unknown): number {
  const fromMs = performance.now();
  for (let i = 0; i < CHOICES; i++) choose();
  return ((performance.now() - fromMs) * 1e6) / CHOICES;
}

const rows: Row[] = [];
try {
  for (const version of [1, 2, 3]) {
    await manage("POST", "/func?name=split", `export default () => "${version}";`);
  }
  for (const weights of [
    { 1: 50, 3: 50 },
    { 1: 90, 2: 10 },
    { 1: 60, 2: 30, 3: 10 },
    { 2: 99, 3: 1 },
  ]) {
    await setTraffic(weights);
    const off = deviation(await call(() => undefined), weights);
    const what = `${calls} calls at ${Object.values(weights).join(" : ")}`;
    rows.push({ what, figure: `±${off.toFixed(2)} %`, target: "±1 %", met: off <= MOST_DEVIATION });
  }
  const cookie = (index: number) => `visitor=${index}`;
  const sticky = { cookie: "visitor" };
  await setTraffic({ 1: 90, 2: 10 }, sticky);
  const first = await call(cookie);
  await setTraffic({ 1: 70, 2: 30 }, sticky);
  const second = await call(cookie);
  const moved = second.filter((answer, index) => answer !== first[index]).length;
  const back = second.filter((answer, index) => first[index] === "2" && answer === "1").length;
  rows.push({
    what: `${calls} sticky callers at 90 : 10`,
    figure: `±${deviation(first, { 1: 90, 2: 10 }).toFixed(2)} %`,
  });
  rows.push({
    what: "callers that move when 90 : 10 becomes 70 : 30",
    figure: `${((100 * moved) / calls).toFixed(1)} %`,
    target: "20 %",
  });
  rows.push({
    what: "callers that leave the version that grew",
    figure: String(back),
    target: "0",
    met: back === 0,
  });
} finally {
  await pool.close();
  await skiff.close();
}

const traffic: Traffic = [
  { version: 1, weight: 90 },
  { version: 2, weight: 10 },
];
const rawHeaders = [
  "Host",
  "a",
  "Accept",
  "*/*",
  "User-Agent",
  "bench",
  "Cookie",
  "theme=dark; visitor=12345678-9abc",
];
const head = { rawHeaders } as unknown as RequestHead;
let turn = 0;
rows.push({
  what: "choosing by weight",
  figure: `${cost(() => {
    turn = (turn + 0.618) % 1;
    return chooseVersion(traffic, turn);
  }).toFixed(0)} ns`,
});
rows.push({
  what: "choosing by a cookie",
  figure: `${cost(() => chooseSticky(traffic, stickyValue(head, { cookie: "visitor" })!)).toFixed(0)} ns`,
});
printTable("Versions that share the calls of a function", rows);
