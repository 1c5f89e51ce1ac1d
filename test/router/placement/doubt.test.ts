import assert from "node:assert/strict";
import { mock } from "node:test";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { VersionEndpoints } from "../../../platform/platform.ts";
import { Counters } from "../../../router/metrics/stats.ts";
import { type RouterPlatform, VersionState, type Waiter } from "../../../router/placement/version.ts";
import { Gates } from "../../../router/quota/gates.ts";
import type { InstanceClient } from "../../../router/upstream/instance-client.ts";
import { UsageSheet } from "../../../router/usage/usage-sheet.ts";

/** State of a version after one of its instances broke a call off. */
describe("an instance that broke a call off", () => {
  const placed: string[] = [];
  let woken: number;
  let version: VersionState;

  function endpoints(...ids: string[]): VersionEndpoints {
    const instances = ids.map((id) => ({ id, address: { unix: `/nowhere/${id}` } }));
    return { version: 1, max: 1, concurrency: 10, timeoutMs: 1_000, memoryMiB: 128, instances };
  }

  function waiter(): Waiter {
    return {
      placed: ({ instance }) => placed.push(instance.id),
      refused: (problem) => assert.fail(problem),
      moved: () => assert.fail("there is one version"),
    };
  }

  /** The call that it broke off. */
  function broken(): InstanceClient {
    const client = version.claim()!;
    version.doubt(client);
    version.release(client);
    return client;
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    placed.length = 0;
    woken = 0;
    const platform: RouterPlatform = {
      endpoints: () => assert.fail("asked for endpoints"),
      allEndpoints: () => assert.fail("asked for all endpoints"),
      watch: () => assert.fail("watched"),
      wake: () => {
        woken++;
        return new Promise(() => {});
      },
      report: () => {},
    };
    const print = (line: string) => assert.fail(line);
    version = new VersionState(endpoints("a"), {
      name: "f",
      platform,
      limits: limitsFromEnv({}),
      print,
      counters: new Counters(),
      sheet: new UsageSheet(new Gates()),
      onUnused: () => {},
      readBuffer: Buffer.alloc(16),
    });
  });
  afterEach(() => {
    version.destroy(new Error("the test is over"));
    mock.timers.reset();
    mock.restoreAll();
  });

  it("gets no call while the platform has not had the time to see its end, and its successor gets them", () => {
    broken();
    assert.equal(version.claim(), undefined);
    version.wait(waiter());
    assert.deepEqual([placed, woken], [[], 0]);
    version.update(endpoints());
    assert.deepEqual([placed, woken], [[], 1]);
    version.update(endpoints("b"));
    assert.deepEqual(placed, ["b"]);
  });

  it("gets none while it refuses connections, however long that takes, and its successor is not woken", () => {
    broken();
    version.wait(waiter());
    mock.timers.tick(60_000);
    assert.deepEqual([placed, woken, version.claim()], [[], 0, undefined]);
  });

  it("refuses no call for the pace of the queue, which stands still meanwhile", () => {
    const clients = Array.from({ length: 10 }, () => version.claim()!);
    for (let i = 0; i < 15; i++) version.wait(waiter());
    const now = performance.now.bind(performance);
    let laterMs = 600;
    mock.method(performance, "now", () => now() + laterMs);
    for (const client of clients) version.release(client);
    version.wait(waiter());
    version.doubt(clients[1]!);
    laterMs = 60_000;
    version.wait(waiter());
    assert.equal(version.waiting, 7);
  });

  it("holds nobody up whom another instance can serve", () => {
    version.update(endpoints("a", "b"));
    const { instance } = broken();
    const others = Array.from({ length: 10 }, () => version.claim()!.instance.id);
    assert.ok(!others.includes(instance.id));
  });
});
