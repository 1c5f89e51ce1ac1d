import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Semaphore } from "../../../../process/semaphore.ts";
import { eventually } from "../../../support/eventually.ts";
import { instancesIn } from "../../../support/instances/instance-folders.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { SkiffProgram } from "../../../support/skiff/skiff-program.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

/** All calls of one kind: 1,000 for a release. */
const CALLS = Number(process.env.TEST_CALLS || 100);
/** Times that Skiff is killed. */
const KILLS = 2;
const AT_ONCE = 8;
const WITHIN_MS = 60_000 + 200 * CALLS;
const KINDS = {
  "a program for each call": { query: "", calls: CALLS },
  // Each of them starts a sandbox.
  "a sandbox for each call": { query: "&isolation=call&pool=4", calls: CALLS / 4 },
};

describe("programs of a Skiff that was killed", function () {
  this.timeout(WITHIN_MS);

  for (const [kind, { query, calls }] of Object.entries(KINDS)) {
    it(`leave no process and no file: ${kind}`, async function () {
      needsWall(this, "bwrap");
      const data = mkdtempSync(join(tmpdir(), "skiff-killed-"));
      // In the command lines of what the calls leave behind.
      const marker = `864${process.pid}${Math.floor(Math.random() * 1e6)}`;
      const script = `#!/bin/sh\nsetsid sleep ${marker} > /dev/null 2>&1 &\n(sleep ${marker} &)\necho x > /tmp/x\ncat\n`;
      let skiff: SkiffProgram | undefined;
      try {
        let answered = 0;
        for (let kills = 0; kills < KILLS; kills++) {
          skiff = new SkiffProgram(data, { env: { SKIFF_ISOLATION: "wall" } });
          const url = await skiff.url();
          if (kills === 0) await deploy(`${url}/func?name=echo&runtime=program&net=none${query}`, script);
          answered += await callUntilKilled(url, skiff, Math.ceil(calls / KILLS));
          await skiff.ended();
          const left = () => [...processesWith(marker), ...processesWith(data)];
          await eventually("no process is left", () => left().length === 0);
        }
        // Those that run when it is killed are lost.
        assert.ok(
          answered >= Math.max(KILLS, calls / 4 - KILLS * AT_ONCE),
          `${answered} calls were answered before the kills`,
        );
        const last = new SkiffProgram(data);
        skiff = last;
        await eventually("it says what holds programs", () =>
          / {2}sandbox of programs: kernel/.test(last.output),
        );
        skiff.signalAlone("SIGTERM");
        assert.equal(await skiff.ended(), 0, skiff.output);
        assert.deepEqual(instancesIn(data), []);
        assert.deepEqual([...processesWith(marker), ...processesWith(data)], []);
      } finally {
        await skiff?.close();
        for (const pid of processesWith(marker)) process.kill(pid, "SIGKILL");
        rmSync(data, { recursive: true, force: true });
      }
    });
  }
});

async function deploy(url: string, body: string): Promise<void> {
  const answer = await fetch(url, { method: "POST", body });
  assert.equal(answer.status, 201, await answer.text());
}

/** Kills Skiff in the middle of so many calls. Returns how many were answered before. */
async function callUntilKilled(url: string, skiff: SkiffProgram, calls: number): Promise<number> {
  const places = new Semaphore({ places: AT_ONCE });
  let begun = 0;
  let answered = 0;
  const one = async (_: unknown, index: number) => {
    if (++begun === Math.ceil(calls * 0.75)) skiff.signalAlone("SIGKILL");
    const body = `call ${index}`;
    const answer = await fetch(`${url}/fn/echo`, { method: "POST", body }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    if (answer?.status !== 200 || text === undefined) return;
    assert.equal(text, body);
    answered++;
  };
  await Promise.all(Array.from({ length: calls }, (_, index) => places.run(() => one(_, index))));
  return answered;
}
