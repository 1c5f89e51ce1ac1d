import assert from "node:assert/strict";
import type { Deployment, FunctionResource } from "../../../../platform/kubernetes/cluster/resources.ts";
import { Reconciler } from "../../../../platform/kubernetes/control/reconciler.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { publish, servingOf } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster, QUICK } from "../../../support/platform/fake-cluster.ts";
import { formerFunction } from "../../../support/platform/former-function.ts";

const NAMESPACE = "skiff-functions";
const DEFAULTS = { name: "hello", namespace: NAMESPACE, image: "client" };

describe("a function of an older Skiff", () => {
  let cluster: FakeCluster;
  let leader: Reconciler | undefined;

  beforeEach(async () => {
    cluster = await FakeCluster.start();
  });
  afterEach(async () => {
    await leader?.close();
    leader = undefined;
    await cluster.close();
  });

  const read = () => cluster.server.read<FunctionResource>("functions", "hello")!;
  const former = () => cluster.server.read<Deployment>("deployments", "hello-app");
  const scaleFormer = (replicas: number) => {
    const deployment = former()!;
    cluster.server.put("deployments", { ...deployment, spec: { ...deployment.spec, replicas } });
  };
  const instances = () => servingOf(cluster.platform, "hello")?.instances ?? [];

  /** What a cluster holds when Skiff is upgraded. */
  function put(replicas: number, status: FunctionResource["status"] = { version: 2 }): void {
    cluster.server.put("functions", { ...formerFunction(DEFAULTS).function, status });
    const { configMaps, children } = formerFunction({ ...DEFAULTS, uid: read().metadata.uid! });
    for (const part of configMaps) cluster.server.put("configmaps", part);
    for (const { plural, manifest } of children) {
      const isDeployment = plural === "deployments";
      const { spec } = manifest as unknown as { spec: object };
      cluster.server.put(plural, isDeployment ? { ...manifest, spec: { ...spec, replicas } } : manifest);
    }
  }

  function lead(formerRoutersMs?: number): void {
    leader = new Reconciler({
      api: cluster.api,
      platform: cluster.platform,
      namespace: NAMESPACE,
      limits: limitsFromEnv({ SKIFF_START_TIMEOUT: "2s" }),
      build: async ({ bytes }) => ({ kind: "module", code: bytes }),
      urlOf: (name) => `/fn/${name}`,
      print: (line) => cluster.lines.push(line),
      times: QUICK,
      ...(formerRoutersMs === undefined ? {} : { formerRoutersMs }),
    });
  }

  it("is served by its old pods until as many new ones are ready", async () => {
    put(2);
    await eventually("the router has it", () => instances().length === 2);
    assert.deepEqual(cluster.platform.endpoints("hello")?.traffic, [{ version: 2, weight: 1 }]);
    const old = instances().map(({ id }) => id);
    const counts: number[] = [];
    const stop = cluster.platform.watch(() => counts.push(instances().length));
    cluster.makesPods = false;
    lead();
    await eventually("its version has a Deployment", () => cluster.replicas("hello", 2) === 2);
    await eventually("it is reported", () => read().status?.observedGeneration !== undefined);
    assert.equal(former()?.spec.replicas, 2);
    cluster.makesPods = true;
    // As a node that has room again.
    const next = cluster.server.read<Deployment>("deployments", "hello.v2")!;
    cluster.server.put("deployments", { ...next, metadata: { ...next.metadata, annotations: { a: "b" } } });
    await eventually("the old one is gone", () => former() === undefined);
    stop();
    assert.ok(Math.min(...counts) >= 2, String(counts));
    await eventually("its pods are new", () => instances().every(({ id }) => !old.includes(id)));
    for (const [kind, name] of [
      ["horizontalpodautoscalers", "hello-app"],
      ["networkpolicies", "hello-egress"],
    ] as const) {
      await eventually(`${name} is gone`, () => cluster.server.read(kind, name) === undefined);
      assert.ok(cluster.server.read(kind, "hello.v2"), kind);
    }
  });

  it("keeps its versions, of which the one before can be routed to", async () => {
    put(1);
    lead();
    await eventually("they are listed", () => read().status?.versions?.length === 2);
    const { platform } = cluster;
    assert.deepEqual(
      [(await platform.find("hello"))?.version, (await platform.find("hello", 1))?.version],
      [2, 1],
    );
    await platform.route("hello", [{ version: 1, weight: 1 }]);
    assert.deepEqual(platform.endpoints("hello")?.traffic, [{ version: 1, weight: 1 }]);
    await eventually("the old one is gone", () => former() === undefined);
    const published = await publish(platform, draftOf("hello", "three"));
    assert.deepEqual([published.version, published.created], [3, false]);
  });

  it("that sleeps keeps its Deployment for the routers of before, as long as there may be any", async () => {
    put(0);
    lead(400);
    await eventually("its version has a Deployment", () => cluster.replicas("hello", 2) === 0);
    scaleFormer(1);
    await eventually("the new one follows", () => cluster.replicas("hello", 2) === 1);
    await eventually("the old one is gone", () => former() === undefined);
    assert.ok(instances().length > 0);
  });

  it("that sleeps is taken over in the end", async () => {
    put(0);
    lead(200);
    await eventually("its version has a Deployment", () => cluster.replicas("hello", 2) === 0);
    assert.ok(former());
    await eventually("the old one is gone", () => former() === undefined);
    assert.equal(cluster.replicas("hello", 2), 0);
  });

  it("can be woken before the leader has taken it over", async () => {
    put(0);
    await eventually("the router has it", () => cluster.platform.endpoints("hello") !== undefined);
    const woken = cluster.platform.wake("hello", 2);
    await eventually("it was asked for", () =>
      cluster.server.requests.some((each) => each.endsWith("/scale")),
    );
    lead();
    await woken;
    assert.ok(instances().length > 0);
  });

  it("has its version back when the manager of before died in a deploy", async () => {
    put(1);
    const { spec, metadata } = read();
    const annotations = { ...metadata.annotations, "skiff.dev/publishing-since": "2020-01-01T00:00:00Z" };
    cluster.server.put("functions", {
      ...read(),
      metadata: { ...metadata, annotations },
      spec: { ...spec, version: 3, memoryMiB: 512 },
    });
    await eventually("calls go to version 2", () => instances().length === 1);
    lead();
    await eventually("it is over", () => read().spec.version === 2);
    assert.equal(read().spec.memoryMiB, 128);
    await eventually("it is taken over", () => former() === undefined);
    assert.equal(cluster.replicas("hello", 3), undefined);
  });
});
