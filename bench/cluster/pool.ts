/** Measures wake-ups with and without the pool on Kubernetes, and the calls that many concurrent wake-ups lose. */
import assert from "node:assert/strict";
import { LABELS } from "../../platform/kubernetes/objects/names.ts";
import type { Installation } from "../../test/cluster/installation.ts";
import { ms, spread, stepMedians } from "./spread.ts";

const SHORT_ROUNDS = 10;
const answering = (text: string) => `export default () => ${JSON.stringify(text)};\n`;

/** Time for the cluster to finish the work of the previous round. */
async function quiet(skiff: Installation): Promise<void> {
  await skiff.poolIsFull();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}

/** Measures with the pool, and without it by a function whose memory no pod of the pool has. */
export async function benchWakings(skiff: Installation, rounds: number): Promise<void> {
  const some = Math.min(rounds, 5);
  for (const [what, { name, settings, tries }] of Object.entries({
    "with the pool": { name: "bench-pool", settings: "idle=1s", tries: rounds },
    "with the pool, a variable of its own": { name: "bench-env", settings: "idle=1s&env=A=B", tries: some },
    without: { name: "bench-plain", settings: "idle=1s&memory=129Mi", tries: rounds },
  })) {
    await skiff.deploy(name, answering("awake"), settings);
    const times: number[] = [];
    const timings: string[] = [];
    for (let round = 0; round < tries; round++) {
      await skiff.asleep(name);
      await quiet(skiff);
      const startedMs = performance.now();
      const response = await skiff.call(name);
      times.push(performance.now() - startedMs);
      assert.equal(await response.text(), "awake");
      timings.push(response.headers.get("server-timing") ?? "");
    }
    await skiff.remove(name);
    console.log(`wake from zero ${what}: ${spread(times)}`);
    console.log(`  medians: ${stepMedians(timings)}`);
  }
}

/** Measures the time from the POST to the first 200 of a new function. */
export async function benchDeploys(skiff: Installation, rounds: number): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await quiet(skiff);
    const startedMs = performance.now();
    const { status } = await skiff.deploy("bench-new", answering(`new ${round}`));
    assert.equal(status, 201);
    assert.equal(await (await skiff.call("bench-new")).text(), `new ${round}`);
    times.push(performance.now() - startedMs);
    await skiff.remove("bench-new");
  }
  console.log(`POST to first 200, new function: ${spread(times)}`);
}

/** Calls many cold functions in the same second. */
export async function benchBurst(skiff: Installation, functions: number): Promise<void> {
  const names = Array.from({ length: functions }, (_, index) => `bench-burst-${index}`);
  // No function goes back to zero while others wake.
  for (const name of names) await skiff.deploy(name, answering(name), "idle=1m");
  for (const name of names) await skiff.asleep(name);
  await skiff.poolIsFull();
  const startedMs = performance.now();
  const answers = await Promise.all(
    names.map(async (name) => {
      const response = await skiff.call(name);
      const text = await response.text();
      return { ok: text === name, afterMs: performance.now() - startedMs, text };
    }),
  );
  const wrong = answers.filter(({ ok }) => !ok);
  const times = answers.filter(({ ok }) => ok).map(({ afterMs }) => afterMs);
  const lost = wrong.length === 0 ? "" : `: ${wrong[0]!.text.slice(0, 200)}`;
  console.log(`${functions} cold functions at once: ${wrong.length} not answered${lost}; ${spread(times)}`);
  await Promise.all(names.map((name) => skiff.remove(name)));
}

/** Wakes and idles more functions in parallel than the pool has pods. */
export async function benchCycles(skiff: Installation, cycles: number): Promise<void> {
  const functions = Math.min(10, cycles);
  const names = Array.from({ length: functions }, (_, index) => `bench-cycle-${index}`);
  for (const name of names) await skiff.deploy(name, answering(name), "idle=1s");
  const lost: string[] = [];
  let done = 0;
  const startedMs = performance.now();
  await Promise.all(
    names.map(async (name) => {
      while (done < cycles) {
        done++;
        await skiff.asleep(name);
        const response = await skiff.call(name);
        const text = await response.text();
        if (text !== name) lost.push(text.slice(0, 200));
      }
    }),
  );
  await Promise.all(names.map((name) => skiff.remove(name)));
  const reason = lost.length === 0 ? "" : `: ${lost[0]}`;
  console.log(
    `${done} wake/idle cycles of ${functions} functions in ${ms(performance.now() - startedMs)}: ${lost.length} calls lost${reason}`,
  );
  await skiff.poolIsFull();
  const isLeft = (state = "") => ["claimed", "loaded", "spent"].includes(state);
  const left = skiff.pods.filter(({ metadata }) => isLeft(metadata.labels?.[LABELS.pool]));
  const leftNames = left.map(({ metadata }) => metadata.name).join(", ");
  console.log(`  pods left that are neither free nor a function's: ${leftNames || "none"}`);
}

/** Measures the first call after a long idle time, and some after a short one. */
export async function benchLongIdle(skiff: Installation, idleMs: number): Promise<void> {
  const name = "bench-idle";
  await skiff.deploy(name, answering("awake"), "idle=1s");
  const wake = async () => {
    await skiff.asleep(name);
    await quiet(skiff);
    const startedMs = performance.now();
    const response = await skiff.call(name);
    const tookMs = performance.now() - startedMs;
    assert.equal(await response.text(), "awake");
    return { tookMs, timing: response.headers.get("server-timing") ?? "" };
  };
  const short: number[] = [];
  for (let round = 0; round < SHORT_ROUNDS; round++) short.push((await wake()).tookMs);
  await skiff.asleep(name);
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const long = await wake();
  console.log(`first call after seconds of idleness: ${spread(short)}`);
  console.log(`first call after ${ms(idleMs)}: ${ms(long.tookMs)} (${stepMedians([long.timing])})`);
  await skiff.remove(name);
}
