/**
 * What waiting on Kubernetes costs, and what a rollout or a killed pod loses, against the installation on the cluster
 * of KUBECONFIG. Run it where the cluster's addresses are reached: on a node, or in a pod.
 */
import assert from "node:assert/strict";
import { Installation } from "../test/cluster/installation.ts";
import { kubectl } from "../test/cluster/kubectl.ts";
import { type LoadReport, underLoad } from "../test/cluster/load.ts";

const NAME = "bench";
const ROUNDS = 7;
const REDEPLOYS = 10;
const KILLS = 5;
const answering = (text: string) => `export default () => ${JSON.stringify(text)};\n`;

async function main(): Promise<void> {
  const skiff = await Installation.install();
  await skiff.remove(NAME);
  try {
    await deploys(skiff);
    await wakings(skiff);
    await redeploys(skiff);
    await kills(skiff);
  } finally {
    const startedMs = performance.now();
    const status = await skiff.remove(NAME);
    console.log(
      `delete: ${status} after ${ms(performance.now() - startedMs)}; left of it: ${await left(skiff)}`,
    );
  }
}

/** From the POST to the first 200 of the function, a new one each time. */
async function deploys(skiff: Installation): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    const { status } = await skiff.deploy(NAME, answering(`new ${round}`));
    assert.equal(status, 201);
    assert.equal(await (await skiff.call(NAME)).text(), `new ${round}`);
    times.push(performance.now() - startedMs);
    await skiff.remove(NAME);
  }
  console.log(`POST to first 200, new function: ${spread(times)}`);
}

async function wakings(skiff: Installation): Promise<void> {
  await skiff.deploy(NAME, answering("awake"), "idle=1s");
  const times: number[] = [];
  const steps = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    await skiff.asleep(NAME);
    const startedMs = performance.now();
    const response = await skiff.call(NAME);
    times.push(performance.now() - startedMs);
    assert.equal(await response.text(), "awake");
    for (const [, step, duration] of (response.headers.get("server-timing") ?? "").matchAll(
      /([-\w]+);dur=([\d.]+)/g,
    )) {
      steps.set(step!, [...(steps.get(step!) ?? []), Number(duration)]);
    }
  }
  const parts = [...steps].map(([step, durations]) => `${step} ${ms(median(durations))}`);
  console.log(`wake from zero, held call to first byte: ${spread(times)}; medians: ${parts.join(", ")}`);
}

async function redeploys(skiff: Installation): Promise<void> {
  await skiff.deploy(NAME, answering("0"), "min=2&idle=5m");
  const times: number[] = [];
  const report = await underLoad(skiff.router, `/fn/${NAME}`, async () => {
    for (let round = 1; round <= REDEPLOYS; round++) {
      const startedMs = performance.now();
      const { status } = await skiff.deploy(NAME, answering(String(round)));
      assert.equal(status, 200);
      times.push(performance.now() - startedMs);
      assert.equal(await (await skiff.call(NAME)).text(), String(round));
    }
  });
  console.log(`redeploy ×${REDEPLOYS} under load: ${spread(times)} each; ${lost(report)}`);
}

async function kills(skiff: Installation): Promise<void> {
  const pods = () =>
    kubectl("get", "pods", "-n", "skiff-functions", "-l", `skiff.dev/function=${NAME}`, "-o", "name");
  const report = await underLoad(skiff.router, `/fn/${NAME}`, async () => {
    for (let round = 0; round < KILLS; round++) {
      const [victim = ""] = (await pods()).split("\n");
      await kubectl("delete", "-n", "skiff-functions", victim);
      await kubectl("rollout", "status", "-n", "skiff-functions", `deployment/${NAME}-app`, "--timeout=60s");
    }
  });
  console.log(`pods killed ×${KILLS} under load: ${lost(report)}`);
}

function lost({ answered, lost }: LoadReport): string {
  const count = Object.values(lost).reduce((sum, each) => sum + each, 0);
  return `${answered} calls answered, ${count} lost${count > 0 ? ` ${JSON.stringify(lost)}` : ""}`;
}

async function left(skiff: Installation): Promise<string> {
  const found = await skiff.leftovers(NAME);
  return found.length === 0 ? "nothing, over every kind" : found.join(", ");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function spread(times: readonly number[]): string {
  return `median ${ms(median(times))} (${ms(Math.min(...times))} to ${ms(Math.max(...times))}, n=${times.length})`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

await main();
