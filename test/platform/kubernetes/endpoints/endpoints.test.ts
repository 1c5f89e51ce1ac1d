import assert from "node:assert/strict";
import type { KeptVersion } from "../../../../platform/kubernetes/cluster/resources.ts";
import {
  endpointsOf,
  obeyedTraffic,
  type ReadyPod,
  readyFromPool,
  readyPods,
} from "../../../../platform/kubernetes/endpoints/endpoints.ts";

const pods = (...versions: number[]): ReadyPod[] =>
  versions.map((version, index) => ({
    id: `p${index}`,
    version,
    address: { host: `10.0.0.${index}`, port: 8000 },
  }));

describe("the traffic that calls follow", () => {
  const all = (version: number) => [{ version, weight: 1 }];
  const split = [
    { version: 1, weight: 9 },
    { version: 2, weight: 1 },
  ];

  it("is the wanted one if nothing serves", () => {
    assert.deepEqual(obeyedTraffic({ wanted: all(2), before: [], pods: pods() }), all(2));
    assert.deepEqual(obeyedTraffic({ wanted: all(2), before: all(1), pods: pods() }), all(2));
  });

  it("changes in one step, when every version in it has a ready pod", () => {
    assert.deepEqual(obeyedTraffic({ wanted: all(2), before: all(1), pods: pods(1, 1) }), all(1));
    assert.deepEqual(obeyedTraffic({ wanted: all(2), before: all(1), pods: pods(1, 1, 2) }), all(2));
    assert.deepEqual(obeyedTraffic({ wanted: split, before: all(1), pods: pods(1) }), all(1));
    assert.deepEqual(obeyedTraffic({ wanted: split, before: all(1), pods: pods(1, 2) }), split);
    assert.deepEqual(obeyedTraffic({ wanted: all(2), before: split, pods: pods(1) }), split);
  });

  it("stays when its versions fall asleep", () => {
    assert.deepEqual(obeyedTraffic({ wanted: split, before: split, pods: pods(1) }), split);
    assert.deepEqual(obeyedTraffic({ wanted: split, before: split, pods: pods() }), split);
  });

  it("is not drawn to a pod of a version that is being stored", () => {
    assert.deepEqual(obeyedTraffic({ wanted: all(1), before: all(1), pods: pods(2) }), all(1));
  });
});

describe("the ready pods that came from the pool", () => {
  const pod = (pool: string, owner: string, ready = "True") => ({
    metadata: {
      name: "p",
      uid: "uid",
      labels: { "skiff.dev/pool": pool, "skiff.dev/version": "2" },
      ownerReferences: ["the pool's set", owner].map((uid) => ({
        apiVersion: "v1",
        kind: "K",
        name: "n",
        uid,
      })),
    },
    status: { podIP: "10.0.0.1", conditions: [{ type: "Ready", status: ready }] },
  });
  const taken = [{ id: "uid", address: { host: "10.0.0.1", port: 8000 }, version: 2 }];

  it("take calls from when they are loaded", () => {
    assert.deepEqual(readyFromPool([pod("loaded", "mine")], "mine"), taken);
    assert.deepEqual(readyFromPool([pod("adopted", "its ReplicaSet")], "mine"), taken);
    assert.deepEqual(readyFromPool([pod("loaded", "mine", "False")], "mine"), []);
  });

  it("are not those of a Function of the same name that was deleted", () => {
    assert.deepEqual(readyFromPool([pod("loaded", "the one before")], "mine"), []);
    assert.deepEqual(readyFromPool([pod("loaded", "the one before")], undefined), []);
  });
});

describe("the ready pods of EndpointSlices", () => {
  const endpoint = (host: string, more: object = {}) => ({
    addresses: [host],
    hostname: "v3",
    conditions: { ready: true },
    targetRef: { uid: `uid-${host}` },
    ...more,
  });
  const slice = (...endpoints: object[]) =>
    ({
      metadata: { name: "s" },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8000 }],
      endpoints,
    }) as never;

  it("have the id of the pod, its address and its version", () => {
    assert.deepEqual(readyPods([slice(endpoint("10.0.0.1"))]), [
      { id: "uid-10.0.0.1", address: { host: "10.0.0.1", port: 8000 }, version: 3 },
    ]);
  });

  it("are in once, also while a controller moves them from slice to slice", () => {
    assert.equal(readyPods([slice(endpoint("10.0.0.1")), slice(endpoint("10.0.0.1"))]).length, 1);
  });

  it("are not those that are not ready, are ending, or are no pod of a version", () => {
    const left = readyPods([
      slice(
        endpoint("10.0.0.1", { conditions: { ready: false } }),
        endpoint("10.0.0.2", { conditions: { ready: true, terminating: true } }),
        endpoint("10.0.0.3", { hostname: undefined }),
        endpoint("10.0.0.4", { targetRef: undefined }),
        endpoint("10.0.0.5", { conditions: {} }),
      ),
    ]);
    assert.deepEqual(
      left.map(({ id }) => id),
      ["uid-10.0.0.5"],
    );
  });

  it("are none of a slice that the API server gives back with null for its lists", () => {
    assert.deepEqual(readyPods([{ metadata: { name: "s" }, endpoints: null, ports: null }]), []);
  });

  it("become endpoints of every version that may be called, in an order that does not change", () => {
    const version = (number: number) =>
      ({ version: number, concurrency: 5, timeoutMs: 100, memoryMiB: 128, min: 0, max: 1 }) as KeptVersion;
    const traffic = [{ version: 2, weight: 1 }];
    const kept = [version(1), version(2), version(3)];
    const endpoints = endpointsOf({ name: "a", kept, traffic, pods: pods(1, 2, 2, 4).toReversed() });
    const settings = { max: 1, concurrency: 5, timeoutMs: 100, memoryMiB: 128 };
    const instance = (index: number) => ({
      id: `p${index}`,
      address: { host: `10.0.0.${index}`, port: 8000 },
    });
    assert.deepEqual(endpoints, {
      name: "a",
      traffic,
      versions: [
        { version: 1, ...settings, instances: [instance(0)] },
        { version: 2, ...settings, instances: [instance(1), instance(2)] },
        { version: 3, ...settings, instances: [] },
      ],
    });
  });
});
