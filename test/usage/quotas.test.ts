import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const RATE = 20;
const SECONDS = 6;

describe("quotas on one machine", function () {
  // Other tests may keep the machine busy.
  this.timeout(60_000);

  for (const workers of [1, 2]) {
    it(`hold the rate with ${workers} router processes`, async () => {
      const skiff: StartedSkiff = await startedSkiff({ workers });
      try {
        await skiff.deploy("hello", `export default () => new Response("hi");`, `rate=${RATE}&min=1`);
        let isCounting = true;
        let passed = 0;
        const load = async () => {
          while (isCounting) {
            // A connection of its own reaches any of the processes.
            const response = await fetch(`${skiff.url}/fn/hello`, { headers: { connection: "close" } });
            await response.arrayBuffer();
            assert.ok(response.status === 200 || response.status === 429, `${response.status}`);
            if (response.status === 200) passed++;
          }
        };
        const startMs = performance.now();
        const loads = Array.from({ length: 4 }, load);
        await pause(SECONDS * 1_000);
        isCounting = false;
        await Promise.all(loads);
        // By default a burst is the calls of one second.
        const allowed = RATE * (1 + (performance.now() - startMs) / 1_000);
        assert.ok(passed <= allowed * 1.05, `${passed} of ${allowed} calls`);
        // A machine that stalls for seconds loses calls; shared-quotas.test.ts has the exact figure in simulated time.
        assert.ok(passed >= allowed * 0.75, `${passed} of ${allowed} calls`);
      } finally {
        await skiff.close();
      }
    });
  }

  it("count the calls of a month across a restart", async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), "skiff-quotas-"));
    let skiff = await startedSkiff({ dataFolder });
    try {
      await skiff.deploy("hello", `export default () => new Response("hi");`, "monthly=5");
      const statuses = async (times: number) => {
        const found: number[] = [];
        for (let i = 0; i < times; i++) found.push((await fetch(`${skiff.url}/fn/hello`)).status);
        return found;
      };
      assert.deepEqual(await statuses(3), [200, 200, 200]);
      await skiff.close();
      skiff = await startedSkiff({ dataFolder });
      assert.deepEqual(await statuses(4), [200, 200, 429, 429]);
    } finally {
      await skiff.close();
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });
});
