import assert from "node:assert/strict";
import type { ConfigMap, FunctionResource } from "../../../platform/kubernetes/cluster/resources.ts";
import { Problem } from "../../../platform/problems.ts";
import { eventually } from "../../support/eventually.ts";
import { publish, report, servingOf, wake } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FakeCluster } from "../../support/platform/fake-cluster.ts";

describe("the Kubernetes platform on a cluster that fails", () => {
  let cluster: FakeCluster;
  const draft = (text: string, name = "hello") => draftOf(name, `export default () => "${text}";`);
  const stored = () =>
    cluster.server
      .list<ConfigMap>("configmaps")
      .map(({ metadata }) => metadata.name)
      .sort();
  const resource = () => cluster.server.read<FunctionResource>("functions", "hello");
  const serving = () => {
    const current = servingOf(cluster.platform, "hello");
    return current && [current.version, current.instances.length];
  };

  /** The last deploy is answered before its mark is gone. */
  const turnEnded = () =>
    eventually("the deploy has ended", () => {
      return resource()?.metadata.annotations?.["skiff.dev/publishing-since"] === undefined;
    });

  beforeEach(async () => {
    cluster = await FakeCluster.start();
  });
  afterEach(() => cluster.close());

  it("publishes: code in ConfigMaps, the Function, what runs it; then calls go to its pods", async () => {
    const published = await publish(cluster.platform, draft("one"));
    assert.deepEqual(published, { name: "hello", version: 1, created: true, unchanged: false });
    assert.deepEqual(serving(), [1, 1]);
    const hash = draft("one").hash.slice(0, 8);
    assert.deepEqual(stored(), [`hello-v1-${hash}-0`, `hello-v1-${hash}-1`]);
    for (const [kind, name] of [
      ["deployments", "hello.v1"],
      ["services", "hello-service"],
      ["horizontalpodautoscalers", "hello.v1"],
    ] as const) {
      const owners = cluster.server.read(kind, name)?.metadata.ownerReferences;
      assert.deepEqual(
        owners?.map(({ uid, controller }) => [uid, controller]),
        [[resource()!.metadata.uid, true]],
        kind,
      );
    }
    await eventually("it is reported", () => resource()?.status?.version === 1);
  });

  it("writes nothing when the current version is posted again", async () => {
    await publish(cluster.platform, draft("one"));
    await turnEnded();
    const before = cluster.server.requests.length;
    assert.equal((await publish(cluster.platform, draft("one"))).unchanged, true);
    assert.ok(cluster.server.requests.slice(before).every((request) => request.startsWith("GET ")));
  });

  it("puts the version before back when a new one crashes, and shows its last lines", async () => {
    await publish(cluster.platform, draft("one"));
    const before = { spec: resource()?.spec, stored: stored() };
    cluster.crashing.set(2, "working\nlast words");
    await assert.rejects(publish(cluster.platform, draft("two")), (error: Problem) => {
      assert.equal(error.code, "start_failed");
      assert.deepEqual(error.extensions.log, ["working", "last words"]);
      return true;
    });
    assert.deepEqual({ spec: resource()?.spec, stored: stored() }, before);
    assert.deepEqual(serving(), [1, 1]);
    cluster.crashing.clear();
    assert.equal((await publish(cluster.platform, draft("three"))).version, 2);
  });

  it("does not use the number of a version again that was taken back while a pod of it takes calls", async () => {
    await publish(cluster.platform, draft("one"));
    const labels = { "skiff.dev/function": "hello", "skiff.dev/version": "2", "skiff.dev/pool": "adopted" };
    const status = { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] };
    cluster.server.put("pods", { metadata: { name: "left-over", labels }, status });
    await eventually("it is seen", () => cluster.platform.mirror.newestReady("hello") === 2);
    assert.equal((await publish(cluster.platform, draft("two"))).version, 3);
    const left = cluster.server.read("pods", "left-over")?.metadata.uid;
    assert.deepEqual(serving(), [3, 1]);
    assert.notEqual(servingOf(cluster.platform, "hello")?.instances[0]?.id, left);
  });

  it("leaves a Function alone that was made while the deploy of one before it failed", async () => {
    cluster.makesPods = false;
    const leaving = new AbortController();
    const published = publish(cluster.platform, draft("one"), leaving.signal);
    await eventually("it waits for its pods", () => cluster.server.list("deployments").length === 1);
    cluster.server.remove("functions", "hello");
    cluster.server.put("functions", { metadata: { name: "hello" }, spec: { source: "somebody else's" } });
    const { uid } = resource()!.metadata;
    leaving.abort(new Error("the client left"));
    await assert.rejects(published, /the client left/);
    assert.deepEqual([resource()?.metadata.uid, resource()?.spec], [uid, { source: "somebody else's" }]);
  });

  it("leaves nothing of a first version that crashes", async () => {
    cluster.crashing.set(1, "no");
    await assert.rejects(publish(cluster.platform, draft("one")), { code: "start_failed" });
    for (const kind of ["functions", "configmaps", "deployments", "services", "pods", "endpointslices"]) {
      assert.deepEqual(cluster.server.list(kind), [], kind);
    }
  });

  it("tries again when somebody else changed the Function in between (409)", async () => {
    await publish(cluster.platform, draft("one"));
    const isFunction = (method: string, path: string) =>
      method !== "GET" && path.endsWith("/functions/hello");
    cluster.server.fail({ status: 409, matches: isFunction }, { status: 409, matches: isFunction });
    assert.equal((await publish(cluster.platform, draft("two"))).version, 2);
    assert.deepEqual(serving(), [2, 1]);
  });

  it("waits as long as the server asks when it is put off (429)", async () => {
    const isCreate = (method: string) => method === "POST";
    cluster.server.fail({ status: 429, headers: { "retry-after": "0" }, matches: isCreate });
    assert.equal((await publish(cluster.platform, draft("one"))).version, 1);
  });

  it("waits for the publish of another manager, and goes on from its version", async () => {
    await publish(cluster.platform, draft("one"));
    await turnEnded();
    const { metadata, ...rest } = resource()!;
    const annotations = { "skiff.dev/publishing-since": new Date().toISOString() };
    cluster.server.put("functions", { ...rest, metadata: { ...metadata, annotations } });
    const published = publish(cluster.platform, draft("two"));
    await eventually(
      "it has looked",
      () =>
        cluster.server.requests.at(-1) ===
        "GET /apis/skiff.dev/v1/namespaces/skiff-functions/functions/hello",
    );
    assert.deepEqual(serving(), [1, 1]);
    cluster.server.put("functions", { ...rest, metadata: { ...metadata, annotations: {} } });
    assert.equal((await published).version, 2);
  });

  it("leaves the mark of the next deploy alone when its own was hard to take away", async () => {
    const isPatch = (method: string, path: string) => method === "PATCH" && path.endsWith("/functions/hello");
    const patches = () =>
      cluster.server.requests.filter((request) => isPatch(...(request.split(" ") as [string, string])))
        .length;
    // The first one routes.
    const tries = () => patches() - 1;
    cluster.server.fail({ status: 500, matches: (...request) => isPatch(...request) && tries() === 1 });
    await publish(cluster.platform, draft("one"));
    await eventually("it has failed once", () => tries() === 1);
    const { metadata, ...rest } = resource()!;
    const annotations = { "skiff.dev/publishing-since": "2026-01-01T00:00:00.000Z" };
    cluster.server.put("functions", { ...rest, metadata: { ...metadata, annotations } });
    await eventually("it has tried again", () => tries() === 2);
    await cluster.platform.close();
    assert.deepEqual(resource()?.metadata.annotations, annotations);
  });

  it("answers 503 with the reason while the API server is away; calls go on, and it heals by itself", async () => {
    await publish(cluster.platform, draft("one"));
    await cluster.server.down();
    const attempts = [
      publish(cluster.platform, draft("two")),
      cluster.platform.list({ limit: 1 }),
      cluster.platform.describe("hello"),
      cluster.platform.find("hello"),
      cluster.platform.readSource("hello"),
      cluster.platform.remove("hello"),
    ];
    for (const outcome of await Promise.allSettled(attempts)) {
      const error: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
      assert.ok(error instanceof Problem, String(error));
      assert.deepEqual([error.code, error.status], ["platform_unavailable", 503]);
      assert.match(error.detail, /API server does not answer \(\w+\)/);
    }
    assert.deepEqual(serving(), [1, 1]);
    await cluster.server.up();
    assert.equal((await publish(cluster.platform, draft("two"))).version, 2);
    assert.deepEqual(serving(), [2, 1]);
  });

  it("says that the cluster refuses when it does", async () => {
    cluster.server.fail({ status: 403, matches: (method) => method === "POST" });
    await assert.rejects(publish(cluster.platform, draft("one")), {
      code: "platform_unavailable",
      detail: /refuses this \(403 Fault/,
    });
  });

  it("starts the pods of a few functions at a time when many wake at once, in their order", async () => {
    const names = Array.from({ length: 10 }, (_, index) => `wake-${index}`);
    for (const name of names) {
      await publish(cluster.platform, draft("awake", name));
      await cluster.platform.children.scale({ name, version: 1 }, 0);
      await eventually("it sleeps", () => servingOf(cluster.platform, name)?.instances.length === 0);
    }
    const replicas = () =>
      cluster.server
        .list("deployments")
        .map((each) => (each as unknown as { spec: { replicas: number } }).spec.replicas)
        .reduce((sum, count) => sum + count, 0);
    cluster.makesPods = false;
    const woken = names.map((name) => wake(cluster.platform, name));
    await eventually("the first have been asked for", () => replicas() === 4);
    await cluster.platform.list({ limit: 1 });
    assert.equal(replicas(), 4);
    cluster.makesPods = true;
    // The pods of the first ones come; the others have their turn then.
    for (const name of names.slice(0, 4)) await cluster.platform.children.scale({ name, version: 1 }, 2);
    await Promise.all(woken);
  });

  it("takes a Function that is being deleted out of the endpoints at once", async () => {
    await publish(cluster.platform, draft("one"));
    const { metadata, ...rest } = resource()!;
    cluster.server.put("functions", {
      ...rest,
      metadata: { ...metadata, deletionTimestamp: "2030-01-01T00:00:00Z" },
    });
    await eventually("it is gone", () => cluster.platform.endpoints("hello") === undefined);
  });

  it("wakes with one scaling for all who wait, and with as many instances as their calls need", async () => {
    await publish(cluster.platform, {
      ...draft("one"),
      settings: { ...draft("one").settings, concurrency: 2 },
    });
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 0);
    await eventually("it sleeps", () => serving()?.[1] === 0);
    const before = cluster.server.requests.length;
    report(cluster.platform, { name: "hello", inFlight: 0, waiting: 5 });
    await Promise.all([1, 2, 3].map(() => wake(cluster.platform, "hello")));
    await eventually("three are ready", () => serving()?.[1] === 3);
    const scalings = cluster.server.requests.slice(before).filter((each) => each.endsWith("/scale"));
    assert.equal(scalings.length, 1);
  });
});
