import assert from "node:assert/strict";
import type { Endpoints, Traffic } from "../../platform/platform.ts";
import { checkTraffic, chooseVersion, currentVersion, shareOf, versionOf } from "../../platform/traffic.ts";

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
});
