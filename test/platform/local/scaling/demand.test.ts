import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { Demand, REFILL_MS } from "../../../../platform/local/scaling/demand.ts";
import { defaultSettings, type Settings } from "../../../../platform/settings/settings.ts";

const SETTINGS: Settings = { ...defaultSettings(limitsFromEnv({})), isolation: "call", pool: 2 };
const NOW_MS = 1_000;
const LATER_MS = NOW_MS + REFILL_MS;

describe("the demand of a version with one call per instance", () => {
  let demand: Demand;
  const spent: { id: string }[] = [];
  const on = (...ids: string[]) => {
    const loads = new Map(ids.map((id) => [id, { calls: 1, streams: 0 }]));
    return () => loads;
  };
  const report = (inFlight: number, waiting: number, ids: string[] = []) =>
    demand.report({ name: "f", version: 1, inFlight, waiting, byInstance: on(...ids) }, NOW_MS);

  beforeEach(() => {
    spent.length = 0;
    demand = new Demand(() => spent);
    demand.touch(NOW_MS);
  });

  it("has the pool while the version is awake", () => {
    assert.equal(demand.desired(SETTINGS, 0, NOW_MS), 2);
    assert.equal(demand.desired(SETTINGS, 2, NOW_MS + SETTINGS.idleMs), 0);
  });

  it("leaves the pool alone for a moment after a call took an instance, and fills it then", () => {
    report(1, 0, ["a"]);
    assert.equal(demand.desired(SETTINGS, 2, NOW_MS), 2);
    spent.push({ id: "a" });
    demand.taken("a", NOW_MS);
    assert.equal(demand.wanted(SETTINGS, NOW_MS).all, 0);
    assert.equal(demand.wanted(SETTINGS, LATER_MS).all, 2);
  });

  it("starts instances for waiting calls at once", () => {
    report(1, 3, ["a"]);
    assert.equal(demand.wanted(SETTINGS, NOW_MS).all, 4);
  });

  it("does not count a call as waiting that an instance has taken, before a router reports that", () => {
    report(0, 1);
    spent.push({ id: "a" });
    demand.taken("a", NOW_MS);
    assert.equal(demand.wanted(SETTINGS, LATER_MS).all, 2);
    report(1, 1, ["a"]);
    assert.equal(demand.wanted(SETTINGS, LATER_MS).all, 3);
  });

  it("keeps the pool during a call on a spent instance, however long it takes", () => {
    spent.push({ id: "a" });
    report(1, 0, ["a"]);
    assert.equal(demand.desired(SETTINGS, 2, NOW_MS + 2 * SETTINGS.idleMs), 2);
  });
});
