import assert from "node:assert/strict";
import type { FunctionResource } from "../../../../platform/kubernetes/cluster/resources.ts";
import { neededInstances } from "../../../../platform/kubernetes/publishing/routing.ts";
import { eventually } from "../../../support/eventually.ts";
import { instancesOf, publish } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster } from "../../../support/platform/fake-cluster.ts";

const to = (version: number) => [{ version, weight: 1 }];

describe("the instances that a version needs before calls change over", () => {
  it("are its share of those that serve, at least min and one, and at most max", () => {
    const needed = (share: number, min = 0, max = 10) => neededInstances({ min, max }, share);
    assert.deepEqual([needed(0), needed(0.4), needed(2.5), needed(4)], [1, 1, 3, 4]);
    assert.deepEqual([needed(1, 3), needed(4, 3)], [3, 4]);
    assert.deepEqual([needed(40), needed(1, 0, 0)], [10, 1]);
  });
});

describe("a route on a cluster", () => {
  let cluster: FakeCluster;
  const resource = () => cluster.server.read<FunctionResource>("functions", "hello")!;
  const mark = () => resource().metadata.annotations?.["skiff.dev/publishing-since"];
  const isSpecPatch = (method: string, path: string) =>
    method === "PATCH" && path.endsWith("/functions/hello");

  /** Version 1 has two instances and all calls; version 2 is stored. */
  beforeEach(async () => {
    cluster = await FakeCluster.start();
    await publish(cluster.platform, draftOf("hello", "one"));
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 2);
    await eventually("two are ready", () => instancesOf(cluster.platform, "hello").length === 2);
    await cluster.platform.store(draftOf("hello", "two"));
  });
  afterEach(() => cluster.close());

  it("has as many instances of the version ready as serve now, before any call goes there", async () => {
    const seen: number[] = [];
    const stop = cluster.platform.watch((_, endpoints) => {
      if (endpoints?.traffic[0]?.version === 2) seen.push(instancesOf(cluster.platform, "hello", 2).length);
    });
    await cluster.platform.route("hello", to(2));
    stop();
    assert.equal(seen[0], 2);
    await eventually("version 1 drains", () => instancesOf(cluster.platform, "hello", 1).length === 0);
  });

  it("writes the shares of several versions, and none for a single one", async () => {
    const traffic = [
      { version: 1, weight: 3 },
      { version: 2, weight: 5 },
    ];
    await cluster.platform.route("hello", traffic.toReversed());
    assert.deepEqual([resource().spec.version, resource().spec.traffic], [2, traffic]);
    await eventually("it is reported", () => resource().status?.version === 2);
    await cluster.platform.route("hello", [{ version: 1, weight: 700 }]);
    assert.deepEqual([resource().spec.version, resource().spec.traffic], [1, undefined]);
  });

  it("keeps pinned versions and the versions before in the Function, and replaces the rules", async () => {
    const whole = () => resource().metadata.annotations?.["skiff.dev/whole-versions"];
    const sticky = { cookie: "id" };
    const guard = { slowdown: 2, calls: 50 };
    await cluster.platform.pin("hello", 1, true);
    await cluster.platform.route("hello", [...to(1), ...to(2)], undefined, { sticky, guard });
    const { spec } = resource();
    assert.deepEqual([spec.pinned, spec.sticky, spec.guard, whole()], [[1], sticky, guard, "[1]"]);
    await cluster.platform.route("hello", to(2));
    assert.deepEqual([resource().spec.sticky, resource().spec.guard], [undefined, undefined]);
    await publish(cluster.platform, draftOf("hello", "three"));
    assert.deepEqual([resource().spec.pinned, whole()], [[1], "[2,3]"]);
    await cluster.platform.pin("hello", 1, false);
    assert.deepEqual(resource().spec.pinned, []);
  });

  it("reads the versions before of no manager as none, and any text of a person as well", async () => {
    for (const text of ["no JSON", '{"a":1}', '["x"]']) {
      const { metadata, ...rest } = resource();
      const annotations = { ...metadata.annotations, "skiff.dev/whole-versions": text };
      cluster.server.put("functions", { ...rest, metadata: { ...metadata, annotations } });
      assert.equal((await cluster.platform.describe("hello"))?.previous, undefined, text);
    }
    await cluster.platform.route("hello", to(2));
    assert.equal((await cluster.platform.describe("hello"))?.previous, 1);
  });

  it("is refused when another manager has changed the function since it was read", async () => {
    const other = cluster.open();
    try {
      await other.synced;
      await eventually("the store has ended", () => mark() === undefined);
      const expected = { expected: [1] };
      const failed = { code: "precondition_failed" };
      const routes = [cluster.platform, other].map((each) => each.route("hello", to(2), undefined, expected));
      const codes = (await Promise.allSettled(routes)).map((each) =>
        each.status === "rejected" ? each.reason.code : "done",
      );
      assert.deepEqual(codes.sort(), ["done", failed.code]);
      await assert.rejects(other.store({ ...draftOf("hello", "four"), expected: [1] }), failed);
      await assert.rejects(other.remove("hello", [1]), failed);
      assert.equal((await cluster.platform.listVersions("hello"))?.length, 2);
    } finally {
      await other.close();
    }
  });

  it("keeps an edit of the spec that came meanwhile, which the leader deploys then", async () => {
    cluster.server.fail({
      status: 422,
      matches: (method, path) => {
        if (!isSpecPatch(method, path) || mark() === undefined) return false;
        cluster.server.put("functions", { ...resource(), spec: { ...resource().spec, memoryMiB: 256 } });
        return true;
      },
    });
    await cluster.platform.route("hello", to(2));
    assert.deepEqual([resource().spec.version, resource().spec.memoryMiB], [2, 256]);
  });

  it("leaves the traffic as it is when the cluster refuses the write", async () => {
    await eventually("the store has ended", () => mark() === undefined);
    let patches = 0;
    const isSecond = (method: string, path: string) => isSpecPatch(method, path) && ++patches === 2;
    cluster.server.fail({ status: 500, matches: isSecond });
    await assert.rejects(cluster.platform.route("hello", to(2)), { code: "platform_unavailable" });
    assert.deepEqual(cluster.platform.endpoints("hello")?.traffic, to(1));
    await eventually("its turn has ended", () => mark() === undefined);
    await cluster.platform.route("hello", to(2));
    assert.deepEqual(cluster.platform.endpoints("hello")?.traffic, to(2));
  });

  it("of another manager waits until a deploy of this one has ended", async () => {
    await cluster.platform.route("hello", to(2));
    const other = cluster.open();
    try {
      await other.synced;
      const before = cluster.server.requests.length;
      const [published] = await Promise.all([
        publish(cluster.platform, draftOf("hello", "three")),
        eventually("the turn is taken", () => mark() !== undefined).then(() => other.route("hello", to(1))),
      ]);
      assert.equal(published.version, 3);
      assert.equal(resource().spec.version, 1);
      // A deploy stores and routes in one turn: its mark, the spec and its end, and the same of the other one.
      const patches = cluster.server.requests
        .slice(before)
        .filter((each) => isSpecPatch(...(each.split(" ") as [string, string])));
      assert.ok(patches.length <= 6, patches.join("\n"));
    } finally {
      await other.close();
    }
  });

  it("counts no pods that stop because their version has just lost its traffic", async () => {
    await cluster.platform.route("hello", to(2));
    const stale = instancesOf(cluster.platform, "hello", 2);
    cluster.makesPods = false;
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 0);
    await eventually("version 1 has none", () => instancesOf(cluster.platform, "hello", 1).length === 0);
    const metadata = {
      name: "stopping",
      labels: { "skiff.dev/function": "hello", "skiff.dev/version": "1", "skiff.dev/pool": "adopted" },
    };
    const status = { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] };
    cluster.server.put("pods", { metadata, status });
    await eventually("it is seen", () => instancesOf(cluster.platform, "hello", 1).length === 1);
    const routed = cluster.platform.route("hello", to(1));
    await eventually("its pods are asked for", () => cluster.replicas("hello", 1)! > 0);
    assert.deepEqual(instancesOf(cluster.platform, "hello"), stale);
    cluster.makesPods = true;
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 3);
    await routed;
    assert.ok(instancesOf(cluster.platform, "hello", 1).length > 1);
  });
});
