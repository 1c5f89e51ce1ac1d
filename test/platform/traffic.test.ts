import assert from "node:assert/strict";
import type { Endpoints, Traffic } from "../../platform/platform.ts";
import {
  checkTraffic,
  chooseVersion,
  currentVersion,
  historyAfter,
  previousVersion,
  shareOf,
  type TrafficHistory,
  versionOf,
  withShare,
} from "../../platform/traffic.ts";

const CANARY: Traffic = [
  { version: 3, weight: 90 },
  { version: 4, weight: 10 },
];

describe("the traffic of a function", () => {
  it("is what it is given as if every version is named once, with a positive weight", () => {
    assert.equal(checkTraffic(CANARY), CANARY);
  });

  it("names what is wrong, and what to do", () => {
    for (const [traffic, message] of [
      [[], /names no version: name at least one/],
      [[...CANARY, { version: 3, weight: 1 }], /names version 3 twice: name it once/],
      [[{ version: 1, weight: 0 }], /weight of version 1 is 0: use a whole number from 1 to 1000000/],
      [[{ version: 1, weight: 0.5 }], /weight of version 1 is 0\.5/],
      [[{ version: 1, weight: 1_000_001 }], /weight of version 1 is 1000001/],
      [[{ version: 1, weight: Number.NaN }], /weight of version 1 is NaN/],
    ] as const) {
      assert.throws(() => checkTraffic(traffic), { code: "invalid_request", message });
    }
  });

  it("has the version with the most of it as the current one, the newest of equals", () => {
    assert.equal(currentVersion([]), undefined);
    assert.equal(currentVersion(CANARY), 3);
    assert.equal(currentVersion([...CANARY, { version: 7, weight: 90 }, { version: 5, weight: 90 }]), 7);
  });

  it("gives each version its share of the calls", () => {
    assert.equal(chooseVersion([], 0), undefined);
    assert.deepEqual(
      [0, 0.899, 0.9, 0.999].map((random) => chooseVersion(CANARY, random)),
      [3, 3, 4, 4],
    );
    assert.deepEqual(
      [3, 4, 5].map((version) => shareOf(CANARY, version)),
      [0.9, 0.1, 0],
    );
    let third = 0;
    for (let call = 0; call < 1_000; call++) if (chooseVersion(CANARY, call / 1_000) === 3) third++;
    assert.equal(third, 900);
  });

  it("finds the endpoints of a version", () => {
    const of = (version: number) => ({
      version,
      max: 1,
      concurrency: 1,
      timeoutMs: 1,
      memoryMiB: 128,
      instances: [],
    });
    const endpoints: Endpoints = { name: "f", traffic: CANARY, versions: [2, 3, 4].map(of) };
    assert.equal(versionOf(endpoints, currentVersion(endpoints.traffic)), endpoints.versions[1]);
    assert.equal(versionOf(endpoints, 5), undefined);
    assert.equal(versionOf(endpoints, undefined), undefined);
  });

  it("gives a version a share, in percent where the others allow it, and leaves theirs in proportion", () => {
    const weights = (traffic: Traffic) => traffic.map(({ version, weight }) => [version, weight]);
    assert.deepEqual(weights(withShare([], 1, 10)), [[1, 1]]);
    assert.deepEqual(weights(withShare([{ version: 1, weight: 7 }], 2, 10)), [
      [1, 90],
      [2, 10],
    ]);
    assert.deepEqual(weights(withShare([{ version: 1, weight: 1 }], 2, 33)), [
      [1, 67],
      [2, 33],
    ]);
    assert.deepEqual(weights(withShare(CANARY, 5, 50)), [
      [3, 45],
      [4, 5],
      [5, 50],
    ]);
    assert.deepEqual(weights(withShare(CANARY, 4, 20)), [
      [3, 80],
      [4, 20],
    ]);
    assert.deepEqual(weights(withShare(CANARY, 4, 100)), [[4, 1]]);
    let traffic = CANARY;
    for (let version = 5; version < 25; version++) {
      traffic = checkTraffic(withShare(traffic, version, 7));
      assert.ok(Math.abs(shareOf(traffic, version) - 0.07) < 0.000_1, `${shareOf(traffic, version)}`);
    }
  });

  it("remembers the last two versions that had all calls", () => {
    let history: TrafficHistory = { traffic: [], whole: [] };
    const change = (...traffic: Traffic) => {
      history = historyAfter(history, traffic);
      return previousVersion(history);
    };
    const whole = (version: number) => change({ version, weight: 1 });
    assert.equal(previousVersion(history), undefined);
    assert.deepEqual([whole(1), whole(1), whole(2), whole(3)], [undefined, undefined, 1, 2]);
    assert.equal(change(...CANARY), 3);
    assert.equal(change({ version: 9, weight: 1 }, { version: 8, weight: 1 }), 3);
    assert.deepEqual([whole(3), whole(4), whole(3)], [2, 3, 4]);
  });
});
