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

/** Calls of each kind: 1,000 for a release. */
const CALLS = Number(process.env.TEST_CALLS || 40);
const KILLS = 2;
const AT_ONCE = 8;
const WITHIN_MS = 90_000 + 300 * CALLS;
const KINDS = {
  call: "",
  sandbox: "&isolation=call&pool=4&max=8",
  serve: "&mode=serve&max=2",
} as const;
type Kind = keyof typeof KINDS;

/** Each call leaves processes in sessions of their own, which have the marker in their command lines. */
const scriptOf = (kind: Kind, marker: string) =>
  kind === "serve"
    ? `#!/usr/bin/env node
require("node:http").createServer((request, response) => {
  require("node:child_process").spawn("sleep", ["${marker}"], { detached: true, stdio: "ignore" });
  request.pipe(response);
}).listen(process.env.SOCKET);
`
    : `#!/bin/sh
setsid sleep ${marker} > /dev/null 2>&1 &
(sleep ${marker} &)
echo x > /tmp/x
cat
`;

describe("programs of a Skiff that was killed", function () {
  this.timeout(WITHIN_MS);
  const data = mkdtempSync(join(tmpdir(), "skiff-killed-"));
  const marker = `864${process.pid}${Math.floor(Math.random() * 1e6)}`;
  const left = () => [...processesWith(marker), ...processesWith(data)];
  let skiff: SkiffProgram | undefined;

  after(async () => {
    await skiff?.close();
    for (const pid of left()) process.kill(pid, "SIGKILL");
    rmSync(data, { recursive: true, force: true });
  });

  it("leave no process and no file, whether calls, sandboxes or servers run", async function () {
    needsWall(this, "bwrap");
    let answered = 0;
    for (let round = 1; round <= KILLS; round++) {
      skiff = new SkiffProgram(data, { env: { SKIFF_ISOLATION: "wall" } });
      const url = await skiff.url();
      if (round === 1) await deployAll(url, marker);
      answered += await callUntilKilled(url, skiff);
      await skiff.ended();
      await eventually("no process is left", () => left().length === 0);
    }
    assert.ok(answered >= CALLS, `${answered} calls were answered before the kills`);
    const last = new SkiffProgram(data);
    skiff = last;
    await eventually("it says what holds programs", () => / {2}sandbox of programs: kern/.test(last.output));
    skiff.signalAlone("SIGTERM");
    assert.equal(await skiff.ended(), 0, skiff.output);
    assert.deepEqual(instancesIn(data), []);
    assert.deepEqual(left(), []);
  });
});

async function deployAll(url: string, marker: string): Promise<void> {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const query = `name=${kind}&runtime=program&net=none${KINDS[kind]}`;
    const answer = await fetch(`${url}/func?${query}`, { method: "POST", body: scriptOf(kind, marker) });
    assert.equal(answer.status, 201, await answer.text());
  }
}

/** Kills Skiff in the middle of its calls. Returns how many were answered before. */
async function callUntilKilled(url: string, skiff: SkiffProgram): Promise<number> {
  const places = new Semaphore({ places: AT_ONCE });
  const kinds = Object.keys(KINDS);
  const most = (CALLS / KILLS) * kinds.length;
  let begun = 0;
  let answered = 0;
  const one = async (index: number) => {
    if (++begun === Math.ceil(most * 0.75)) skiff.signalAlone("SIGKILL");
    const body = `call ${index}`;
    const kind = kinds[index % kinds.length];
    const answer = await fetch(`${url}/fn/${kind}`, { method: "POST", body }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    if (answer?.status !== 200 || text === undefined) return;
    assert.equal(text, body);
    answered++;
  };
  await Promise.all(Array.from({ length: most }, (_, index) => places.run(() => one(index))));
  return answered;
}
