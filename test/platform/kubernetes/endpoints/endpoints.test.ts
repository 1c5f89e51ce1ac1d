import assert from "node:assert/strict";
import {
  endpointsOf,
  type ReadyPod,
  readyFromPool,
  readyPods,
  servingVersion,
} from "../../../../platform/kubernetes/endpoints/endpoints.ts";

const pods = (...versions: number[]): ReadyPod[] =>
  versions.map((version, index) => ({
    id: `p${index}`,
    version,
    address: { host: `10.0.0.${index}`, port: 8000 },
  }));

describe("the version that calls go to", () => {
  it("is the wanted one as soon as it is ready, if nothing serves", () => {
    assert.equal(servingVersion(pods(2), { wanted: 2, serving: undefined }), 2);
    assert.equal(servingVersion([], { wanted: 2, serving: undefined }), 2);
  });

  it("stays until as many of the wanted are ready as are left of it, then changes in one step", () => {
    const serving = { wanted: 2, serving: 1 };
    assert.equal(servingVersion(pods(1, 1, 1, 1), serving), 1);
    assert.equal(servingVersion(pods(1, 1, 1, 2), serving), 1);
    assert.equal(servingVersion(pods(1, 1, 2, 2), serving), 2);
    assert.equal(servingVersion(pods(1, 2), serving), 2);
  });

  it("does not go back while the wanted one has a pod", () => {
    assert.equal(servingVersion(pods(1, 1, 1, 2), { wanted: 2, serving: 2 }), 2);
  });

  it("is whatever is ready when neither of them is", () => {
    assert.equal(servingVersion(pods(1, 3), { wanted: 4, serving: 2 }), 3);
  });

  it("is the version before again when the wanted one was taken back", () => {
    assert.equal(servingVersion(pods(1, 2), { wanted: 1, serving: 2 }), 1);
  });
});

describe("a pod of a version that is not named yet", () => {
  it("takes no calls of a function that sleeps", () => {
    const pods: ReadyPod[] = [{ id: "a", address: { host: "10.0.0.1", port: 8000 }, version: 2 }];
    assert.equal(servingVersion(pods, { wanted: 1, serving: 1 }), 1);
    assert.equal(servingVersion(pods, { wanted: 2, serving: 1 }), 2);
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

  it("become endpoints of one version, in an order that does not change", () => {
    const settings = { concurrency: 5, timeoutMs: 100 };
    const endpoints = endpointsOf({ name: "a", pods: pods(1, 2, 2).toReversed(), version: 2, settings });
    assert.deepEqual(endpoints, {
      name: "a",
      traffic: [{ version: 2, weight: 1 }],
      versions: [
        {
          version: 2,
          ...settings,
          instances: [
            { id: "p1", address: { host: "10.0.0.1", port: 8000 } },
            { id: "p2", address: { host: "10.0.0.2", port: 8000 } },
          ],
        },
      ],
    });
  });
});
