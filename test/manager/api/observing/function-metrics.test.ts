import assert from "node:assert/strict";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import type { SampledStep, SeriesQuery, UsageStep } from "../../../../store/store.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

describe("manager: GET /func/NAME/metrics", () => {
  let manager: StartedManager;
  let asked: SeriesQuery | undefined;
  let steps: (query: SeriesQuery) => UsageStep[];
  let samples: (query: SeriesQuery) => SampledStep[];
  before(async () => {
    const usage = {
      series: async (query: SeriesQuery) => {
        asked = query;
        return steps(query);
      },
      samples: async (query: SeriesQuery) => samples(query),
      month: async () => ({ functions: {}, keys: {} }),
    };
    const audit = { append: async () => {} };
    manager = await startManager({ store: { usage, audit } as unknown as ManagerStore });
    await request(manager.url).put("/func/a").send("x").expect(201);
  });
  after(() => manager.stop());
  beforeEach(() => {
    [steps, samples] = [() => [], () => []];
  });

  const get = (query = "") => request(manager.url).get(`/func/a/metrics${query}`);

  it("has the last two hours minute by minute by default, also without calls", async () => {
    const { body } = await get().expect(200);
    assert.deepEqual([body.stepS, body.points.length, body.versions], [60, 120, {}]);
    assert.equal(body.from, body.points[0].at);
    const { at, ...empty } = body.points[119];
    assert.deepEqual(empty, { calls: 0, errors: 0, refused: 0, coldStarts: 0, wakeMs: {} });
    assert.ok(Date.now() - Date.parse(at) < 60_000);
  });

  it("adds up the versions of a step, with samples, percentiles and cold starts", async () => {
    const same = { function: "a", errors: 1, refused: 1, coldStarts: 1, wakeMs: { start: 10.4 } };
    steps = ({ since }) => [
      { ...same, from: since, version: 1, calls: 98, durations: [98] },
      { ...same, from: since, version: 2, calls: 2, durations: [0, 0, 0, 2] },
    ];
    samples = ({ since }) => [{ from: since, function: "a", instances: 3, memoryMiB: 40 }];
    const { body } = await get("?since=2026-11-29T14:01:00Z&until=2026-11-29T14:20:00Z&step=5m").expect(200);
    const [{ p50Ms, p95Ms, p99Ms, at, ...point }, ...others] = body.points;
    assert.deepEqual([at, others.length, asked!.stepMs], ["2026-11-29T14:00:00.000Z", 3, 300_000]);
    assert.deepEqual(point, {
      ...{ calls: 100, errors: 2, refused: 2, instances: 3, memoryMiB: 40 },
      ...{ coldStarts: 2, wakeMs: { start: 21 } },
    });
    assert.ok(p50Ms === p95Ms && p95Ms < p99Ms);
    assert.deepEqual(body.versions, { 1: { calls: 98, errors: 1 }, 2: { calls: 2, errors: 1 } });
  });

  it("refuses what it cannot answer", async () => {
    for (const [query, detail] of [
      ["?step=30s", /step=30s is not valid: use whole minutes/],
      ["?since=yesterday", /since=yesterday is not a valid time/],
      ["?since=10d", /1440\d points, at most 1500/],
      ["?until=2026-01-01&since=2026-01-02", /until is not after since/],
    ] as const) {
      const { body } = await get(query).expect(400);
      assert.match(body.detail, detail);
    }
    const { body } = await request(manager.url).get("/func/none/metrics").expect(404);
    assert.equal(body.code, "unknown_function");
  });
});
