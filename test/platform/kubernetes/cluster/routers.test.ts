import assert from "node:assert/strict";
import { hasForgotten, obeys, serving } from "../../../../platform/kubernetes/cluster/routers.ts";
import type { Endpoints } from "../../../../platform/platform.ts";

const SPLIT = [
  { version: 1, weight: 9 },
  { version: 2, weight: 1 },
];
const endpoints = (ready: readonly number[]): Endpoints => ({
  name: "a",
  traffic: SPLIT,
  versions: [1, 2, 3].map((version) => ({
    version,
    max: 1,
    concurrency: 1,
    timeoutMs: 1,
    memoryMiB: 128,
    instances: ready.includes(version) ? [{ id: `i${version}`, address: { unix: "/x" } }] : [],
  })),
});

describe("a router that is asked what it serves", () => {
  it("answers the traffic that it obeys, once every version of it has an instance", () => {
    assert.deepEqual(serving(endpoints([1, 2]), true), { version: 1, traffic: SPLIT, isKnown: true });
    assert.deepEqual(serving(endpoints([1, 3]), true), { version: null, traffic: null, isKnown: true });
    assert.deepEqual(serving({ ...endpoints([1]), traffic: [] }, true), {
      version: null,
      traffic: null,
      isKnown: true,
    });
    assert.deepEqual(serving(undefined, true), { version: null, traffic: null, isKnown: false });
  });

  it("obeys when its versions and weights are the same", () => {
    assert.equal(obeys(serving(endpoints([1, 2]), true), SPLIT.toReversed()), true);
    assert.equal(obeys(serving(endpoints([1, 2]), true), [{ version: 1, weight: 1 }]), false);
    assert.equal(obeys(serving(undefined, true), SPLIT), false);
  });

  it("obeys with its current version if it is of an older Skiff, which knows no other", () => {
    assert.equal(obeys({ version: 1 }, SPLIT), true);
    assert.equal(obeys({ version: 2 }, SPLIT), false);
    assert.equal(obeys({ version: null }, SPLIT), false);
  });

  it("has forgotten a function when all of its processes have", () => {
    assert.equal(hasForgotten(serving(undefined, true)), true);
    assert.equal(hasForgotten(serving(undefined, false)), false);
    assert.equal(hasForgotten(serving(endpoints([]), true)), false);
    // Of an older Skiff.
    assert.deepEqual([hasForgotten({ version: null }), hasForgotten({ version: 1 })], [true, false]);
  });
});
