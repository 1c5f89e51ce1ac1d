import assert from "node:assert/strict";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import type { SeriesQuery, UsageStep } from "../../../../store/store.ts";
import { storeUnavailable } from "../../../../store/unavailable.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

describe("manager: GET /func?detail=activity", () => {
  let manager: StartedManager;
  let asked: SeriesQuery[];
  let answer: (query: SeriesQuery) => UsageStep[];
  before(async () => {
    const usage = {
      series: async (query: SeriesQuery) => {
        asked.push(query);
        return answer(query);
      },
      month: async () => ({ functions: { a: 10 }, keys: {} }),
    };
    const audit = { append: async () => {} };
    manager = await startManager({ store: { usage, audit } as unknown as ManagerStore });
    await request(manager.url).put("/func/a?monthly=10").send("x").expect(201);
    await request(manager.url).put("/func/b").send("x").expect(201);
  });
  after(() => manager.stop());
  beforeEach(() => {
    asked = [];
    answer = () => [];
  });

  const list = async () =>
    (await request(manager.url).get("/func?detail=activity").expect(200)).body.functions;
  const step = (of: Partial<UsageStep> & Pick<UsageStep, "from">): UsageStep => ({
    ...{ function: "b", version: 1, calls: 1, errors: 0, durations: [1] },
    ...{ coldStarts: 0, refused: 0, wakeMs: {} },
    ...of,
  });

  it("asks the store once for all functions, for 30 steps that end now", async () => {
    await list();
    const [query, ...others] = asked as [SeriesQuery];
    assert.deepEqual([others, query.functions, query.stepMs], [[], ["a", "b"], 120_000]);
    assert.equal(query.until.getTime() - query.since.getTime(), 3_600_000);
    assert.ok(query.until.getTime() > Date.now() && query.since.getTime() % 120_000 === 0);
  });

  it("adds state, traffic, instances, and the versions of each step together", async () => {
    answer = ({ since, until }) => [
      step({ from: since, calls: 3, errors: 1, durations: [0, 3] }),
      step({ from: new Date(until.getTime() - 120_000), calls: 2, durations: [2] }),
      step({ from: new Date(until.getTime() - 120_000), version: 2, errors: 1, durations: [0, 0, 1] }),
    ];
    const [a, b] = await list();
    assert.match(a.state.reason, /^The quota of 10 calls a month is used up/);
    assert.deepEqual(a.lastHour, { calls: 0, errors: 0, liveCalls: 0, liveErrors: 0 });
    assert.deepEqual(a.series.p95Ms, new Array(30).fill(null));
    assert.deepEqual(b.state, { canCall: true, reason: "1 instance is ready." });
    assert.deepEqual([b.runtime, b.traffic, b.instances.length], ["deno", [{ version: 1, weight: 1 }], 1]);
    assert.deepEqual([b.lastHour.calls, b.lastHour.errors, b.series.stepS], [6, 2, 120]);
    // Version 2 has no traffic.
    assert.deepEqual([b.lastHour.liveCalls, b.lastHour.liveErrors], [5, 1]);
    assert.deepEqual([b.series.liveErrors[0], b.series.liveErrors[29]], [1, 0]);
    assert.deepEqual([b.series.calls.length, b.series.calls[0], b.series.calls[29]], [30, 3, 3]);
    assert.deepEqual([b.series.errors[0], b.series.errors[29]], [1, 1]);
    assert.ok(b.series.p95Ms[29] > b.series.p95Ms[0] && b.series.p95Ms[1] === null);
  });

  it("says why there is no history while the store is away", async () => {
    answer = () => {
      throw storeUnavailable("the disk is away");
    };
    const [a] = await list();
    assert.match(a.noHistory, /the disk is away/);
    assert.deepEqual([a.series, a.lastHour, a.state.canCall], [undefined, undefined, true]);
  });

  it("shows a key the functions that it is for", async () => {
    const { body } = await request(manager.url)
      .post("/key")
      .send({ name: "b", scopes: ["read"], functions: ["b"] })
      .expect(201);
    const get = async (path: string) =>
      (await request(manager.url).get(path).set("authorization", `Bearer ${body.key}`).expect(200)).body;
    assert.deepEqual(
      (await get("/func?detail=activity")).functions.map((each: { name: string }) => each.name),
      ["b"],
    );
    assert.deepEqual(asked[0]!.functions, ["b"]);
    assert.equal((await get("/system")).functions, 1);
  });

  it("refuses another detail", async () => {
    const { body } = await request(manager.url).get("/func?detail=all").expect(400);
    assert.equal(body.detail, "detail=all is not valid: use activity.");
  });
});

describe("manager: GET /system", () => {
  it("describes the installation, and what it knows of its store", async () => {
    let fails = false;
    const month = async () => {
      if (fails) throw storeUnavailable("the disk is away");
      return { functions: {}, keys: {} };
    };
    const walls = { files: "a wall", network: "a filter" };
    const manager = await startManager({
      store: { usage: { month }, audit: { append: async () => {} } } as unknown as ManagerStore,
      system: {
        ...{ platform: "local", store: { kind: "sqlite", schema: 9 }, oidcIssuer: "https://id.example" },
        isolation: async () => walls,
        programs: () => Promise.reject(new Error("bwrap is missing")),
        memory: () => ({ usedMiB: 12, limitMiB: 100 }),
      },
    });
    const get = async () => (await request(manager.url).get("/system").expect(200)).body;
    const { version, limits, store, isolation, programs, memory, oidc, access, url } = await get();
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.deepEqual(
      [store, memory],
      [
        { kind: "sqlite", schema: 9, ok: true },
        { usedMiB: 12, limitMiB: 100 },
      ],
    );
    assert.deepEqual([isolation, programs.files], [walls, "bwrap is missing"]);
    assert.deepEqual([oidc, access, url], [{ issuer: "https://id.example" }, "loopback", manager.url]);
    assert.deepEqual(limits.SKIFF_DRAIN, {
      value: 10_000,
      unit: "ms",
      meaning: "time to drain calls at shutdown",
    });
    fails = true;
    const away = (await get()).store;
    assert.deepEqual([away.ok, away.kind], [false, "sqlite"]);
    assert.match(away.detail, /the disk is away/);
    await manager.stop();
  });
});
