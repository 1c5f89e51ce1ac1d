import assert from "node:assert/strict";
import { KeptVersions } from "../../../platform/local/kept-versions.ts";

describe("the kept versions of a function", () => {
  let versions: KeptVersions;
  const callable = (version: number) => ({
    ...{ version, max: 1, concurrency: 1, timeoutMs: 1, memoryMiB: 128, hosts: [] as string[] },
    ...{ access: "public" as const, quota: {}, cron: [], retry: {}, pinned: version === 9 },
  });
  beforeEach(() => {
    versions = new KeptVersions();
    // Two that are stored at once may be committed in another order.
    for (const version of [1, 3, 2, 4, 5]) versions.add(callable(version));
  });

  it("are in ascending order, with the newest as the current one until there is traffic", () => {
    assert.deepEqual(versions.endpoints("f"), {
      name: "f",
      traffic: [],
      versions: [1, 2, 3, 4, 5].map((version) => ({
        version,
        max: 1,
        concurrency: 1,
        timeoutMs: 1,
        memoryMiB: 128,
        instances: [],
      })),
    });
    assert.deepEqual([versions.newest, versions.current], [5, 5]);
    versions.route = { traffic: [{ version: 2, weight: 1 }], whole: [2], rules: {} };
    assert.deepEqual([versions.newest, versions.current], [5, 2]);
    assert.deepEqual([new KeptVersions().newest, new KeptVersions().isEmpty], [0, true]);
  });

  it("over the limit are the oldest, but none that takes calls or is held", () => {
    assert.deepEqual(versions.over(2, {}), [1, 2, 3]);
    assert.deepEqual(versions.over(2, { newest: 6 }), [1, 2, 3, 4]);
    versions.route = { traffic: [{ version: 2, weight: 1 }], whole: [2], rules: {} };
    assert.deepEqual(versions.over(2, {}), [1, 3]);
    assert.deepEqual(versions.over(2, { traffic: [{ version: 1, weight: 1 }] }), [2, 3]);
    versions.hold([3]);
    versions.hold([3]);
    assert.deepEqual(versions.over(2, {}), [1]);
    versions.release([3]);
    assert.deepEqual(versions.over(2, {}), [1]);
    versions.release([3]);
    assert.deepEqual(versions.over(2, {}), [1, 3]);
    versions.pin(3, true);
    assert.deepEqual(versions.over(2, {}), [1]);
    versions.pin(3, false);
    assert.deepEqual(versions.over(2, {}), [1, 3]);
  });

  it("know which versions are pinned, until they are forgotten", () => {
    versions.add(callable(9));
    assert.deepEqual([...versions.pinned], [9]);
    versions.delete(9);
    assert.deepEqual([...versions.pinned], []);
  });

  it("have the instances that they were given, unless they are not stored", () => {
    const instances = [{ id: "i", address: { unix: "/nowhere" } }];
    const before = versions.endpoints("f");
    assert.ok(versions.setInstances(3, instances));
    assert.deepEqual(versions.endpoints("f").versions[2]?.instances, instances);
    assert.deepEqual(before.versions[2]?.instances, []);
    assert.ok(!versions.setInstances(9, instances));
    versions.delete(3);
    assert.ok(!versions.setInstances(3, instances));
    assert.ok(!versions.has(3));
  });
});
