import assert from "node:assert/strict";
import { obeys, serving } from "../../../../platform/kubernetes/cluster/routers.ts";
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
    concurrency: 1,
    timeoutMs: 1,
    instances: ready.includes(version) ? [{ id: `i${version}`, address: { unix: "/x" } }] : [],
  })),
});

describe("a router that is asked what it serves", () => {
  it("answers the traffic that it obeys, once every version of it has an instance", () => {
    assert.deepEqual(serving(endpoints([1, 2])), { version: 1, traffic: SPLIT });
    assert.deepEqual(serving(endpoints([1, 3])), { version: null, traffic: null });
    assert.deepEqual(serving({ ...endpoints([1]), traffic: [] }), { version: null, traffic: null });
    assert.deepEqual(serving(undefined), { version: null, traffic: null });
  });

  it("obeys when its versions and weights are the same", () => {
    assert.equal(obeys(serving(endpoints([1, 2])), SPLIT.toReversed()), true);
    assert.equal(obeys(serving(endpoints([1, 2])), [{ version: 1, weight: 1 }]), false);
    assert.equal(obeys(serving(undefined), SPLIT), false);
  });

  it("obeys with its current version if it is of an older Skiff, which knows no other", () => {
    assert.equal(obeys({ version: 1 }, SPLIT), true);
    assert.equal(obeys({ version: 2 }, SPLIT), false);
    assert.equal(obeys({ version: null }, SPLIT), false);
  });
});
