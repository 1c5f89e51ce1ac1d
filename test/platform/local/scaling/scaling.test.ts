import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import {
  desiredInstances,
  instancesForLoad,
  instancesForShare,
  SCALE_IN_AFTER_MS,
} from "../../../../platform/local/scaling/scaling.ts";
import { defaultSettings, type Settings } from "../../../../platform/settings/settings.ts";

const settingsWith = (change: Partial<Settings>) => ({ ...defaultSettings(limitsFromEnv({})), ...change });

describe("the instances for a load", () => {
  for (const [change, inFlight, waiting, wanted] of [
    [{}, 0, 0, 0],
    [{}, 1, 0, 1],
    [{}, 0, 1, 1],
    [{}, 60, 40, 1],
    [{}, 60, 41, 2],
    [{}, 0, 500, 5],
    [{}, 5_000, 5_000, 10],
    [{ concurrency: 1 }, 3, 0, 3],
    [{ concurrency: 1, max: 2 }, 3, 0, 2],
    [{ min: 2 }, 0, 0, 2],
    [{ min: 2, concurrency: 1 }, 3, 0, 3],
    [{ min: 2, max: 2, concurrency: 1 }, 3, 9, 2],
  ] as const) {
    it(`of ${inFlight} in flight and ${waiting} waiting with ${JSON.stringify(change)} are ${wanted}`, () => {
      assert.equal(instancesForLoad({ settings: settingsWith(change), load: { inFlight, waiting } }), wanted);
    });
  }
});

describe("the instances of a version with one call per instance", () => {
  const { idleMs } = defaultSettings(limitsFromEnv({}));
  for (const [change, calls, idleForMs, wanted] of [
    [{}, 0, 0, 1],
    [{ pool: 3 }, 0, 0, 3],
    [{ pool: 3 }, 0, idleMs, 0],
    [{ pool: 3, min: 2 }, 0, idleMs, 2],
    [{ pool: 0 }, 0, 0, 0],
    [{ pool: 3, concurrency: 100 }, 4, 0, 7],
    [{ pool: 3, max: 5 }, 4, 0, 5],
  ] as const) {
    it(`are ${wanted} for ${calls} calls after ${idleForMs} ms with ${JSON.stringify(change)}`, () => {
      const settings = settingsWith({ isolation: "call", ...change });
      const load = { inFlight: calls, waiting: 0 };
      assert.equal(instancesForLoad({ settings, load, idleForMs }), wanted);
    });
  }
});

describe("the desired instances", () => {
  const idleMs = 300_000;
  const desired = (change: Partial<Settings>, calls: number, state: [number, number, number]) => {
    const [current, idleForMs, lowForMs] = state;
    const load = { inFlight: calls, waiting: 0 };
    return desiredInstances({ settings: settingsWith(change), load, current, idleForMs, lowForMs });
  };

  it("grow at once", () => {
    assert.equal(desired({}, 250, [1, 0, 0]), 3);
    assert.equal(desired({}, 1, [0, 0, 0]), 1);
  });

  it("shrink only after fewer were enough for a while, and then not below one", () => {
    assert.equal(desired({}, 50, [3, 0, SCALE_IN_AFTER_MS - 1]), 3);
    assert.equal(desired({}, 50, [3, 0, SCALE_IN_AFTER_MS]), 1);
    assert.equal(desired({}, 150, [3, 0, SCALE_IN_AFTER_MS]), 2);
    assert.equal(desired({}, 0, [3, 60_000, SCALE_IN_AFTER_MS]), 1);
  });

  it("do not shrink later than the function becomes idle", () => {
    assert.equal(desired({ idleMs: 1_000 }, 50, [3, 0, 1_000]), 1);
  });

  it("go to min when the function was idle for its time, and not before", () => {
    assert.equal(desired({}, 0, [1, idleMs - 1, idleMs]), 1);
    assert.equal(desired({}, 0, [1, idleMs, idleMs]), 0);
    assert.equal(desired({ min: 2 }, 0, [4, idleMs, idleMs]), 2);
  });
});

describe("the instances that a version needs for its share of the calls", () => {
  for (const [change, calls, ready, share, needed] of [
    [{}, 0, 0, 1, 1],
    [{}, 0, 0, 0.01, 1],
    [{ min: 3 }, 0, 0, 0.5, 3],
    [{ concurrency: 1 }, 4, 4, 1, 4],
    [{ concurrency: 1 }, 4, 4, 0.5, 2],
    [{ concurrency: 1 }, 4, 4, 0.1, 1],
    // No more than serve now: the rest comes when the calls do.
    [{ concurrency: 1 }, 40, 4, 1, 4],
    [{ concurrency: 1, max: 2 }, 4, 4, 1, 2],
    [{ concurrency: 100 }, 4, 4, 1, 1],
  ] as const) {
    it(`of ${share} of ${calls} calls on ${ready} with ${JSON.stringify(change)} are ${needed}`, () => {
      const load = { inFlight: calls, waiting: 0 };
      assert.equal(instancesForShare({ settings: settingsWith(change), load, ready, share }), needed);
    });
  }
});
