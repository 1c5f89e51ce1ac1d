import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Semaphore } from "../../process/semaphore.ts";
import { BOX, sharedEngine, type TestEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { instancesIn } from "../support/instances/instance-folders.ts";
import { processesWith } from "../support/instances/processes.ts";
import { SkiffProgram } from "../support/skiff/skiff-program.ts";

/** Calls: 1,000 of each kind for a release. */
const CALLS = Number(process.env.TEST_CALLS || 100);
const KILLS = 2;
const AT_ONCE = 8;
const WITHIN_MS = 120_000 + 1_000 * CALLS;
/** Of ten calls one has a container of its own. */
const KINDS = ["call", "serve", "call", "serve", "call", "serve", "call", "serve", "call", "once"] as const;

describe("images of a Skiff that was killed", function () {
  this.timeout(WITHIN_MS);
  const data = mkdtempSync(join(tmpdir(), "skiff-killed-"));
  const marker = `753${process.pid}${Math.floor(Math.random() * 1e6)}`;
  let test: TestEngine;
  let skiff: SkiffProgram | undefined;

  before(async function () {
    test = await sharedEngine(this);
  });
  after(async () => {
    await skiff?.close();
    rmSync(data, { recursive: true, force: true });
  });

  const containers = () => test.engine.list({ "dev.skiff.kind": "instance" });
  const env = () => ({ SKIFF_ENGINE: test.socket });

  it("leave no container, no process and no file", async () => {
    let answered = 0;
    for (let round = 1; round <= KILLS; round++) {
      skiff = new SkiffProgram(data, { env: env() });
      const url = await skiff.url();
      if (round === 1) await deployAll(url, marker);
      answered += await callUntilKilled(url, skiff);
      await skiff.ended();
      // Without Skiff nothing runs any more; the next start removes what is left of it.
      await eventually("nothing runs", () => processesWith(marker).length === 0);
    }
    assert.ok(answered >= CALLS / 2, `${answered} calls were answered before the kills`);
    const last = new SkiffProgram(data, { env: env() });
    skiff = last;
    await last.url();
    await eventually("what was left is removed", async () => (await containers()).length === 0);
    last.signalAlone("SIGTERM");
    assert.equal(await last.ended(), 0, last.output);
    assert.deepEqual(await containers(), []);
    assert.deepEqual(instancesIn(data), []);
    assert.deepEqual(processesWith(marker), []);
  });
});

async function deployAll(url: string, marker: string): Promise<void> {
  const call = `sh -c 'setsid sleep ${marker} >/dev/null 2>&1 & cat'`;
  const server = `sh -c 'echo served > /tmp/index.html; sleep ${marker} & exec httpd -f -p "$PORT" -h /tmp'`;
  const queries = {
    call: { command: call, stdio: "1" },
    once: { command: call, stdio: "1", isolation: "call", idle: "1s" },
    serve: { command: server },
  };
  for (const [name, query] of Object.entries(queries)) {
    const search = new URLSearchParams({ name, image: BOX, net: "none", ...query });
    const answer = await fetch(`${url}/func?${search}`, { method: "POST" });
    assert.equal(answer.status, 201, await answer.text());
  }
}

/** Kills Skiff in the middle of its calls. Returns how many were answered before. */
async function callUntilKilled(url: string, skiff: SkiffProgram): Promise<number> {
  const places = new Semaphore({ places: AT_ONCE });
  const most = CALLS / KILLS;
  let begun = 0;
  let answered = 0;
  const one = async (index: number) => {
    if (++begun === Math.ceil(most * 0.75)) skiff.signalAlone("SIGKILL");
    const kind = KINDS[index % KINDS.length]!;
    const body = `call ${index}`;
    const order = kind === "serve" ? {} : { method: "POST", body };
    const answer = await fetch(`${url}/fn/${kind}/`, order).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    if (answer?.status !== 200 || text === undefined) return;
    assert.equal(text, kind === "serve" ? "served\n" : body);
    answered++;
  };
  await Promise.all(Array.from({ length: most }, (_, index) => places.run(() => one(index))));
  return answered;
}
