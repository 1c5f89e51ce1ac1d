import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { processTree } from "../support/instances/processes.ts";
import { notTried } from "../support/not-tried.ts";
import { seededRandom, testSeed } from "../support/seeded-random.ts";
import { SkiffProgram } from "../support/skiff/skiff-program.ts";
import { deployWriter, KeyWriter, LogWriter, secretWriter, type Writer } from "./writers.ts";

/** SKIFF_KILL_ROUNDS=50 is the whole test. */
const ROUNDS = Number(process.env.SKIFF_KILL_ROUNDS ?? 3);
const ROUND_MS = 60_000;
/** Longest time between the last of the first acknowledgements of a round and the kill. */
const MOST_MS = 1_000;
const ACKNOWLEDGED_MS = 40_000;

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It has ended already.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

describe("kill -9 of everything at random", function () {
  this.timeout(ROUNDS * ROUND_MS);

  it(`loses no acknowledged secret, key, deploy or log line in ${ROUNDS} rounds`, async function () {
    if (process.platform !== "linux") return notTried(this, "processes are found in /proc");
    const random = seededRandom(testSeed());
    const folder = mkdtempSync(join(tmpdir(), "skiff-test-kill-"));
    const keys = new KeyWriter();
    const logs = new LogWriter();
    const secrets = [0, 1].map(secretWriter);
    const deploys = [0, 1].map(deployWriter);
    const writers: readonly Writer[] = [...secrets, ...deploys, keys, logs];
    const lost: string[] = [];
    const start = () =>
      new SkiffProgram(join(folder, "data"), {
        args: ["--workers", "2"],
        env: {
          SKIFF_SECRETS_KEY_FILE: join(folder, "config", "secrets.key"),
          SKIFF_MAX_KEYS: "100000",
        },
      });
    let skiff = start();
    try {
      let url = await skiff.url();
      await logs.prepare(url);
      for (let round = 1; round <= ROUNDS; round++) {
        let isOver = false;
        const writing = writers.map(async (writer) => {
          while (!isOver) await writer.write(url).catch(() => delay(10));
        });
        const half = (random() * MOST_MS) / 2;
        const before = writers.map(({ acknowledged }) => acknowledged);
        const isWritten = () => writers.every(({ acknowledged }, index) => acknowledged > before[index]!);
        await eventually("each writer has written", isWritten, ACKNOWLEDGED_MS);
        await delay(half);
        // A worker, an instance, a build or a sandbox.
        const below = processTree(skiff.pid).filter((pid) => pid !== skiff.pid);
        if (random() < 0.5 && below.length > 0) kill(below[Math.floor(random() * below.length)]!);
        await delay(half);
        const all = random() < 0.5 ? processTree(skiff.pid) : [skiff.pid];
        for (const pid of all.sort(() => random() - 0.5)) kill(pid);
        isOver = true;
        await skiff.ended();
        await Promise.all(writing);
        skiff = start();
        url = await skiff.url();
        const found = (await Promise.all(writers.map((writer) => writer.lost(url)))).flat();
        lost.push(...found.map((what) => `round ${round}: ${what}`));
      }
      const count = (some: readonly Writer[]) =>
        some.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
      const counts = {
        secrets: count(secrets),
        deploys: count(deploys),
        keys: count([keys]),
        lines: count([logs]),
      };
      console.log(`      acknowledged: ${JSON.stringify(counts)}`);
      assert.deepEqual(lost, []);
      for (const [what, acknowledged] of Object.entries(counts)) assert.ok(acknowledged >= ROUNDS, what);
    } finally {
      await skiff.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
