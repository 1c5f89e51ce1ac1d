import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { slotsOf } from "../../../events/delivery/function-slots.ts";
import type { DeliveryHooks } from "../../../events/services.ts";
import { eventually } from "../../support/eventually.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { WorkerRig } from "../support/worker-rig.ts";

const requestOf = (path: string) => ({
  ...{ method: "GET", path, headers: [], body: { inline: new Uint8Array() } },
});

describe("calls of a function that takes few at a time", () => {
  let rig: WorkerRig;
  let open: { readonly url: string; readonly response: ServerResponse }[];
  let most: number;
  const hooks: readonly DeliveryHooks[] = [{ functions: () => [["sub/s", "one"]] }];
  beforeEach(async () => {
    open = [];
    most = 0;
    rig = new WorkerRig({ hooks });
    await rig.listen();
    rig.answer = ({ url }, response) => {
      open.push({ url, response });
      most = Math.max(most, open.length);
    };
  });
  afterEach(() => rig.close());

  const answerNext = async () => {
    await eventually("a call is there", () => open.length > 0);
    const { url, response } = open.shift()!;
    response.end();
    return url;
  };
  const one = { queue: "fn/one", target: { function: "one" } };

  it("wait in the store: those of a higher priority overtake, and may be cancelled", async () => {
    await publish(rig.platform, draftOf("one", "one", { max: 1, concurrency: 1 }));
    const [first, low, high, gone] = await rig.enqueue(
      { ...one, request: requestOf("/first") },
      { ...one, request: requestOf("/low"), priority: -1 },
      { ...one, request: requestOf("/high"), priority: 1 },
      { ...one, request: requestOf("/gone"), priority: 1 },
    );
    rig.start();
    // Those that are due together go by their priority.
    assert.equal(await answerNext(), "/fn/one/high");
    await eventually("the next one is there", () => open.length === 1);
    const waiting = await rig.sqlite.calls.get(low!);
    assert.equal(waiting?.state, "waiting");
    const last = open[0]!.url.endsWith("/gone") ? first! : gone!;
    assert.equal(await rig.store.calls.cancel(last, Date.now()), "cancelled");
    await answerNext();
    assert.equal(await answerNext(), "/fn/one/low");
    for (const id of [high!, low!]) assert.equal((await rig.record(id, "done")).attempts.length, 1);
    assert.equal(most, 1);
  });

  it("are counted together, whatever queue they are in", async () => {
    await publish(rig.platform, draftOf("one", "one", { max: 2, concurrency: 1 }));
    const delivery = { ...one, queue: "sub/s" };
    const ids = await rig.enqueue(one, one, one, delivery, delivery, delivery);
    rig.start();
    for (let left = 6; left > 0; left--) {
      await eventually("all slots are taken", () => open.length === Math.min(2, left));
      await answerNext();
    }
    for (const id of ids) assert.equal((await rig.record(id, "done")).attempts.length, 1);
    assert.equal(most, 2);
  });

  it("follow a deploy, and a function without a bound is not held back", async () => {
    await publish(rig.platform, draftOf("one", "one", { max: 1, concurrency: 1 }));
    rig.start();
    await rig.enqueue(one, one, one, one);
    await eventually("one is there", () => open.length === 1);
    await publish(rig.platform, draftOf("one", "two", { max: 10, concurrency: 100 }));
    await rig.enqueue(one);
    await eventually("all are there", () => open.length === 5);
    while (open.length > 0) await answerNext();
  });

  it("count the versions with traffic alone", () => {
    const version = (number: number) => ({
      ...{ version: number, max: number, concurrency: 10, timeoutMs: 1, memoryMiB: 128, instances: [] },
    });
    const versions = [1, 2, 3].map(version);
    const traffic = [
      { version: 1, weight: 9 },
      { version: 3, weight: 1 },
    ];
    assert.equal(slotsOf({ traffic, versions }), 40);
    assert.equal(slotsOf({ traffic: [], versions }), Infinity);
  });
});
