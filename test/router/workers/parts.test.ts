import assert from "node:assert/strict";
import { EndpointChanges } from "../../../router/workers/endpoint-changes.ts";
import { MergedLoads } from "../../../router/workers/merged-loads.ts";
import { defaultWorkers, parseWorkers } from "../../../router/workers/worker-count.ts";
import { Restarts } from "../../../router/workers/worker-process.ts";

describe("the number of workers", () => {
  it("leaves half of the cores to functions, and is 8 at most unless it is given", () => {
    assert.deepEqual([1, 2, 3, 4, 16, 128].map(defaultWorkers), [1, 1, 1, 2, 8, 8]);
  });

  it("is read from 1 to 64, and refused in words else", () => {
    assert.deepEqual(
      ["", "1", "64"].map((text) => parseWorkers("--workers", text)),
      [undefined, 1, 64],
    );
    for (const text of ["0", "65", "two", "-1", "1.5", "100"]) {
      assert.throws(() => parseWorkers("--workers", text), /--workers \S+ is no number of workers/);
    }
  });
});

describe("a worker that ends", () => {
  it("is followed at once, and later and later when its followers end too", () => {
    const restarts = new Restarts();
    const waits = Array.from({ length: 10 }, () => restarts.afterMs(50));
    assert.deepEqual(waits, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    assert.equal(restarts.afterMs(60_000), 0);
  });
});

describe("changes of endpoints", () => {
  it("are waited for until they are applied everywhere, each by its number", async () => {
    let applied = 0;
    const changes = new EndpointChanges((change) => applied >= change);
    changes.add("a");
    const first = changes.caughtUp();
    changes.add("b");
    let second = false;
    const later = changes.caughtUp().then(() => {
      second = true;
    });
    assert.ok(!changes.hasCaughtUp("a") && changes.hasCaughtUp("never"));
    applied = 1;
    changes.check();
    await first;
    assert.ok(!second && changes.hasCaughtUp("a") && !changes.hasCaughtUp("b"));
    applied = 2;
    changes.check();
    await later;
    assert.ok(changes.hasCaughtUp("b"));
  });
});

describe("loads of several workers", () => {
  it("are added up, and those of one that ended are taken out", () => {
    const reported: unknown[] = [];
    const loads = new MergedLoads(({ inFlight, waiting, byInstance }) => {
      reported.push([inFlight, waiting, byInstance!().get("i")]);
    });
    loads.take(1, { name: "f", version: 1, inFlight: 3, waiting: 1, byInstance: [["i", 3, 1]] });
    loads.take(2, { name: "f", version: 1, inFlight: 4, waiting: 0, byInstance: [["i", 2, 1]] });
    loads.remove(1);
    loads.take(2, { name: "f", version: 1, inFlight: 0, waiting: 0, byInstance: [["i", 1, 1]] });
    loads.take(2, { name: "f", version: 1, inFlight: 0, waiting: 0, byInstance: [] });
    loads.remove(2);
    assert.deepEqual(reported, [
      [3, 1, { calls: 3, streams: 1 }],
      [7, 1, { calls: 5, streams: 2 }],
      [4, 0, { calls: 2, streams: 1 }],
      [0, 0, { calls: 1, streams: 1 }],
      [0, 0, undefined],
    ]);
  });
});
