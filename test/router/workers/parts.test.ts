import assert from "node:assert/strict";
import type { Channel } from "../../../router/workers/channel.ts";
import type { PrimaryMethods, WorkerLoad } from "../../../router/workers/protocol.ts";
import { parseWorkers } from "../../../router/workers/worker-count.ts";
import { WorkerPlatform } from "../../../router/workers/worker-platform.ts";
import { sumLoads } from "../../../router/workers/workers.ts";
import { eventually } from "../../support/eventually.ts";

describe("the number of workers", () => {
  it("is read from 1 to 64, is 1 by default, and is rejected in words otherwise", () => {
    assert.deepEqual(
      ["", "1", "64"].map((text) => parseWorkers("--workers", text)),
      [1, 1, 64],
    );
    for (const text of ["0", "00", "65", "two", "-1", "1.5", "100", " "]) {
      assert.throws(
        () => parseWorkers("--workers", text),
        /--workers .+ is not a valid number of workers: use 1 to 64/,
      );
    }
  });
});

describe("the loads of several workers", () => {
  it("are added up, by instance too", () => {
    const version = { name: "f", version: 2 };
    const first = {
      ...version,
      inFlight: 3,
      waiting: 1,
      byInstance: [["i", { calls: 3, streams: 1 }]] as const,
    };
    const more = [
      ["i", { calls: 2, streams: 1 }],
      ["j", { calls: 2, streams: 0 }],
    ] as const;
    const second = { ...version, inFlight: 4, waiting: 2, byInstance: more };
    const { byInstance, ...load } = sumLoads(first, [first, second]);
    assert.deepEqual(load, { ...version, inFlight: 7, waiting: 3 });
    assert.deepEqual(
      [...byInstance!()],
      [
        ["i", { calls: 5, streams: 2 }],
        ["j", { calls: 2, streams: 0 }],
      ],
    );
    assert.equal(sumLoads(first, []).inFlight, 0);
  });
});

describe("the load that a worker sends", () => {
  /** A platform whose primary keeps what it is asked, and `load`s of a function with the calls in `calls`. */
  function worker() {
    const asked: WorkerLoad[][] = [];
    const ask = (_: string, loads: WorkerLoad[]) => Promise.resolve(asked.push(loads));
    const platform = new WorkerPlatform({ ask } as unknown as Channel<PrimaryMethods>);
    const calls = new Map([["i", 0]]);
    const byInstance = () =>
      new Map([...calls].filter(([, n]) => n > 0).map(([id, n]) => [id, { calls: n, streams: 0 }]));
    const report = (count: number) => {
      calls.set("i", count);
      platform.report({ name: "f", version: 1, inFlight: count, waiting: 0, byInstance });
    };
    return {
      asked,
      calls,
      report,
      inFlight: () => asked.map((loads) => loads.map(({ inFlight }) => inFlight)),
    };
  }

  it("comes at once when it grows, and within 100 ms otherwise", async () => {
    const { report, inFlight } = worker();
    for (const count of [1, 2, 1, 2, 1, 0]) report(count);
    assert.deepEqual(inFlight(), [[1], [2]]);
    await eventually("the end is sent", () => inFlight().length === 3);
    assert.deepEqual(inFlight()[2], [0]);
  });

  it("follows calls that the route does not report, and falls silent without any", async () => {
    const { calls, report, inFlight } = worker();
    report(1);
    calls.set("i", 3);
    await eventually("the new ones are sent", () => inFlight().length === 2);
    calls.set("i", 0);
    await eventually("their end is sent", () => inFlight().length === 3);
    assert.deepEqual(inFlight(), [[1], [3], [0]]);
  });
});
