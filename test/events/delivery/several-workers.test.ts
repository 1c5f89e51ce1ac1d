import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "../../../events/delivery/worker.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { NewCall } from "../../../store/call.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import { newCall } from "../support/leased-call.ts";

describe("workers of several programs on one PostgreSQL", function () {
  this.timeout(60_000);
  const harness = new PostgresHarness();
  let router: Server;
  let workers: Worker[];
  let starts: { readonly call: string; readonly from: string }[];
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    router.closeAllConnections();
    router.close();
    await harness.dispose();
  });

  it("start each call of a slow function once, also without having been woken", async () => {
    starts = [];
    router = createServer((request, response) => {
      starts.push({
        call: String(request.headers["skiff-call"]),
        from: String(request.headers["x-skiff-key"]),
      });
      setTimeout(() => response.end(), 1_000);
    }).listen(0, "127.0.0.1");
    await once(router, "listening");
    const url = await (await sharedPostgres()).newDatabase();
    const { port } = router.address() as AddressInfo;
    // Each runs at most three at a time, so none can take all of them.
    const limits = { ...limitsFromEnv({}), eventCallsEach: 3 };
    workers = ["a", "b", "c"].map((callerKey) => {
      const changes = storeChanges();
      const store = announcing(harness.openAt(url), changes);
      return new Worker({
        ...{
          store,
          changes,
          limits,
          callerKey,
          platform: new FakePlatform(),
          keys: new KeyTable(),
          hooks: [],
        },
        ...{
          access: { mode: "loopback" },
          env: {},
          isShared: true,
          router: () => `http://127.0.0.1:${port}`,
        },
        ...{ now: Date.now, random: Math.random, print: () => {} },
      });
    });
    // Another program stores the calls.
    const { calls } = harness.openAt(url);
    const now = Date.now();
    const given: NewCall[] = Array.from({ length: 8 }, () => newCall({ acceptedAt: now, dueAt: now }));
    await calls.enqueue(given, { now, mostLive: 100 });
    await eventually("all run", () => starts.length === 8);
    const isDone = async () => (await calls.list({ states: ["done"], limit: 10 })).length === 8;
    await eventually("all are done", isDone);
    assert.equal(starts.length, 8);
    assert.equal(new Set(starts.map(({ call }) => call)).size, 8);
    assert.equal(new Set(starts.map(({ from }) => from)).size, 3);
  });
});
