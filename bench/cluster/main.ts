/**
 * Measures wake-ups, rollouts and killed pods on Kubernetes, with the installation on the cluster of KUBECONFIG. Run it
 * where the addresses of the cluster are reachable: on a node, or in a pod.
 * `npm run bench:cluster -- [--rounds 50] [--burst 100] [--cycles 100] [--idle MINUTES]`
 * The burst needs one pod per function: on a small node set SKIFF_CPU_REQUEST of the manager to 10m first.
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { Installation } from "../../test/cluster/installation.ts";
import { kubectl } from "../../test/cluster/kubectl.ts";
import { type LoadReport, underLoad } from "../../test/cluster/load.ts";
import { benchBurst, benchCycles, benchDeploys, benchLongIdle, benchWakings } from "./pool.ts";
import { ms, spread } from "./spread.ts";

const NAME = "bench";
const REDEPLOYS = 10;
const KILLS = 5;
const answering = (text: string) => `export default () => ${JSON.stringify(text)};\n`;

async function main(): Promise<void> {
  const skiff = await Installation.install();
  await skiff.remove(NAME);
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "50" },
      burst: { type: "string", default: "100" },
      cycles: { type: "string", default: "100" },
      idle: { type: "string", default: "0" },
    },
  });
  const [rounds, burst, cycles, idle] = [values.rounds, values.burst, values.cycles, values.idle].map(Number);
  try {
    if (rounds! > 0) await benchWakings(skiff, rounds!);
    if (rounds! > 0) await benchDeploys(skiff, rounds!);
    if (burst! > 0) await benchBurst(skiff, burst!);
    if (cycles! > 0) await benchCycles(skiff, cycles!);
    if (idle! > 0) await benchLongIdle(skiff, idle! * 60_000);
    await redeploys(skiff);
    await kills(skiff);
  } finally {
    const startedMs = performance.now();
    const status = await skiff.remove(NAME);
    console.log(
      `delete: ${status} after ${ms(performance.now() - startedMs)}; left of it: ${await left(skiff)}`,
    );
    await skiff.close();
  }
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
      const all = ["deployments", "-l", `skiff.dev/function=${NAME}`, "-n", "skiff-functions"];
      await kubectl("rollout", "status", ...all, "--timeout=60s");
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

await main();
