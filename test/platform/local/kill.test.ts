import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually } from "../../support/eventually.ts";
import { call } from "../../support/instances/call-instance.ts";
import { instancesIn } from "../../support/instances/instance-folders.ts";
import { processesWith } from "../../support/instances/processes.ts";
import { wake } from "../../support/platform/deploying.ts";
import { TemporaryLocalPlatform } from "../../support/platform/temporary-local-platform.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";

const PROGRAM = fileURLToPath(new URL("../../support/platform/deploying-platform.ts", import.meta.url));

/** Less than a test has, so that the platform is killed in any case. */
const DEPLOYS_WITHIN_MS = 40_000;

interface Deploy {
  readonly name: string;
  readonly version: number;
  readonly code: string;
}

/** When the platform is killed: so many acknowledged deploys and so many milliseconds after its start. */
interface Moment {
  readonly acknowledged: number;
  readonly laterMs: number;
}

/** Deploys that were acknowledged before the platform was killed. */
async function deployUntilKilled(dataFolder: string, round: number, moment: Moment): Promise<Deploy[]> {
  const child = spawn(process.execPath, [PROGRAM, dataFolder, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const deploys: Deploy[] = [];
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => {
    deploys.push(JSON.parse(line));
    if (deploys.length !== moment.acknowledged) return;
    setTimeout(() => child.kill("SIGKILL"), moment.laterMs);
  });
  try {
    await once(lines, "close", { signal: AbortSignal.timeout(DEPLOYS_WITHIN_MS) });
    return deploys;
  } finally {
    child.kill("SIGKILL");
    await closed;
  }
}

describe("a local platform that was killed", () => {
  let dataFolder: string;
  let seed: number;
  before(() => {
    seed = testSeed();
    dataFolder = mkdtempSync(join(tmpdir(), "skiff-test-kill-"));
  });
  after(() => {
    // Of a test that failed before the next platform ended them.
    for (const pid of processesWith(dataFolder)) process.kill(pid, "SIGKILL");
    rmSync(dataFolder, { recursive: true, force: true });
  });

  for (let round = 1; round <= 4; round++) {
    it(`at a random moment lost no acknowledged deploy and leaves nothing behind (round ${round})`, async function () {
      this.timeout(60_000);
      const random = seededRandom(seed + round);
      const moment = { acknowledged: 3 + Math.floor(random() * 8), laterMs: random() * 60 };
      const deploys = await deployUntilKilled(dataFolder, round, moment);
      assert.ok(deploys.length >= moment.acknowledged, `${deploys.length} deploys before the kill`);
      const before = processesWith(dataFolder);
      const local = await TemporaryLocalPlatform.open({ dataFolder });
      try {
        // It makes places for its own instances meanwhile.
        const left = () => processesWith(dataFolder).filter((pid) => before.includes(pid));
        await eventually("no process is left", () => left().length === 0);
        assert.deepEqual(instancesIn(dataFolder), []);
        for (const name of new Set(deploys.map((deploy) => deploy.name))) {
          const last = deploys.findLast((deploy) => deploy.name === name)!;
          const stored = await local.platform.readSource(name, last.version);
          assert.equal(new TextDecoder().decode(stored?.bytes), last.code);
          const current = (await local.platform.find(name))!;
          assert.ok(current.version === last.version || current.version === last.version + 1);
          await wake(local.platform, name);
          assert.match((await call(local.instance(name).address)).text, new RegExp(`^round ${round} `));
        }
      } finally {
        await local.close();
      }
    });
  }
});
