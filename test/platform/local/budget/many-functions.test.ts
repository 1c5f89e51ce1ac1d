import assert from "node:assert/strict";
import { eventually } from "../../../support/eventually.ts";
import { call, callFor } from "../../../support/instances/call-instance.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { publish, report, servingOf, wake } from "../../../support/platform/deploying.ts";
import { answering, draftOf, sameAs } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

const MIB = 1024 ** 2;

describe("more functions than memory", () => {
  let local: TemporaryLocalPlatform;
  afterEach(() => local.close());

  const answerOf = async (name: string) => {
    await wake(local.platform, name);
    return (await call(local.instance(name).address)).text;
  };
  const processes = () => processesWith(local.dataFolder).length;

  it("are all deployed and can all be called, while those that were idle longest make room", async function () {
    this.timeout(60_000);
    local = await TemporaryLocalPlatform.open({ limits: { memoryBytes: 128 * MIB } });
    const names = Array.from({ length: 40 }, (_, index) => `many-${index}`);
    await Promise.all(names.map((name) => publish(local.platform, draftOf(name, answering(name)))));
    await eventually("they are within their memory", () => processes() < 25);
    for (const name of names) assert.equal(await answerOf(name), name);
    await eventually("they still are", () => processes() < 25);
    assert.doesNotMatch(local.log, /was stopped|ended by/);
  });

  it("wait while all instances have calls, and are refused in words when it takes too long", async () => {
    local = await TemporaryLocalPlatform.open({ limits: { memoryBytes: 16 * MIB, instanceWaitMs: 1_500 } });
    await local.publish(draftOf("cold", answering("cold")));
    // There is room for one alone.
    const { id } = await local.publish(draftOf("busy", answering("busy")));
    await eventually(
      "the other has stopped",
      () => servingOf(local.platform, "cold")?.instances.length === 0,
    );
    const byInstance = () => new Map([[id, { calls: 1, streams: 0 }]]);
    report(local.platform, { name: "busy", inFlight: 1, waiting: 0, byInstance });
    const usedUp = {
      code: "no_capacity",
      message: /used up by instances that have calls.*16 MiB \(limit SKIFF_MEMORY\)/,
    };
    await assert.rejects(publish(local.platform, draftOf("new", answering("new"))), usedUp);
    assert.equal(await local.platform.describe("new"), undefined);
    await assert.rejects(wake(local.platform, "cold"), usedUp);
    assert.deepEqual((await local.platform.describe("cold"))!.lastErrors, []);
    assert.equal(local.instance("busy").id, id);

    const waits = wake(local.platform, "cold");
    report(local.platform, { name: "busy", inFlight: 0, waiting: 0 });
    await waits;
    assert.equal((await call(local.instance("cold").address)).text, "cold");
  });

  it("make room for another version of one of them, whose idle instance is all that can stop", async () => {
    local = await TemporaryLocalPlatform.open({ limits: { memoryBytes: 16 * MIB, instanceWaitMs: 5_000 } });
    const draft = draftOf("only", answering("only"), { min: 1 });
    await local.publish(draft);
    const changed = draftOf("only", answering("only"), { min: 1, env: { A: "1" } });
    assert.equal((await publish(local.platform, sameAs(changed, 1))).version, 2);
    assert.equal((await call(local.instance("only").address)).text, "only");
  });

  it("do not stop an instance with a call, nor one that min keeps while others are idle", async () => {
    local = await TemporaryLocalPlatform.open({ limits: { memoryBytes: 80 * MIB } });
    const kept = await local.publish(draftOf("kept", answering("kept"), { min: 1 }));
    const busy = await local.publish(
      draftOf(
        "busy",
        `export default () => new ReadableStream({ start: (it) => it.enqueue(new Uint8Array(1)) });`,
      ),
    );
    const response = await callFor(busy.address);
    const byInstance = () => new Map([[busy.id, { calls: 1, streams: 1 }]]);
    report(local.platform, { name: "busy", inFlight: 1, waiting: 0, byInstance });
    for (let number = 0; number < 12; number++) {
      await local.publish(draftOf(`other-${number}`, answering("other")));
    }
    await eventually("some have stopped", () => servingOf(local.platform, "other-0")?.instances.length === 0);
    assert.equal(local.instance("busy").id, busy.id);
    assert.equal(local.instance("kept").id, kept.id);
    assert.equal(response.readableEnded, false);
    response.destroy();
  });
});
