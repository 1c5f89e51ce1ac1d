import assert from "node:assert/strict";
import type {
  ConfigMap,
  FunctionResource,
  FunctionSpec,
} from "../../../../platform/kubernetes/cluster/resources.ts";
import { Reconciler } from "../../../../platform/kubernetes/control/reconciler.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { Problem } from "../../../../platform/problems.ts";
import { buildImage, IMAGE_TYPE } from "../../../../runtimes/image/image-artifact.ts";
import { eventually } from "../../../support/eventually.ts";
import { publish, servingOf } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster, QUICK } from "../../../support/platform/fake-cluster.ts";

const SINCE = "skiff.dev/publishing-since";

describe("the reconciler", () => {
  let cluster: FakeCluster;
  let reconciler: Reconciler;
  let builds: number;
  let entries: string[];

  beforeEach(async () => {
    cluster = await FakeCluster.start();
    builds = 0;
    entries = [];
    reconciler = open();
  });
  afterEach(async () => {
    await reconciler.close();
    await cluster.close();
  });

  const open = () =>
    new Reconciler({
      api: cluster.api,
      platform: cluster.platform,
      namespace: "skiff-functions",
      limits: limitsFromEnv({ SKIFF_START_TIMEOUT: "2s" }),
      build: async ({ bytes }, { settings: { entry, runtime } }) => {
        builds++;
        entries.push(entry);
        const code = Buffer.from(bytes).toString();
        if (runtime === "image") return buildImage({ type: IMAGE_TYPE, bytes }).artifact;
        if (code === "broken") throw new Problem("build_failed", "main.ts:1:1: Unexpected");
        return { kind: "module", code: bytes };
      },
      urlOf: (name) => `https://example.com/fn/${name}`,
      print: (line) => cluster.lines.push(line),
      times: QUICK,
    });
  const read = () => cluster.server.read<FunctionResource>("functions", "hello");
  const currentCode = async () => Buffer.from((await cluster.platform.readSource("hello"))!.bytes).toString();
  const ready = () => read()?.status?.conditions?.find(({ type }) => type === "Ready");
  const apply = (spec: FunctionSpec) =>
    cluster.server.put("functions", {
      ...read(),
      metadata: { ...read()?.metadata, name: "hello" },
      spec: { ...read()?.spec, ...spec },
    });
  const serves = (version: number) =>
    eventually(`version ${version} serves`, () => {
      const serving = servingOf(cluster.platform, "hello");
      return (
        read()?.status?.version === version && serving?.version === version && serving.instances.length > 0
      );
    });
  /** As a manager leaves it that has died long ago. */
  const interrupt = (spec: FunctionSpec) => {
    const object = read()!;
    const annotations = { ...object.metadata.annotations, [SINCE]: "2020-01-01T00:00:00Z" };
    const metadata = { ...object.metadata, annotations };
    cluster.server.put("functions", { ...object, metadata, spec: { ...object.spec, ...spec } });
  };
  const isOver = () => read()?.metadata.annotations?.[SINCE] === undefined;
  const settled = (reason: string) => eventually(`it is ${reason}`, () => ready()?.reason === reason);

  it("deploys a Function with inline source, and keeps what was applied in it", async () => {
    apply({ source: "one", min: 1 });
    await serves(1);
    await settled("Serving");
    assert.equal(read()?.spec.source, "one");
    assert.equal(read()?.status?.url, "https://example.com/fn/hello");
    assert.equal(read()?.status?.instances, 1);
    assert.equal(await currentCode(), "one");
  });

  it("runs the image of a Function by its digest, which stays until the name is another one", async () => {
    const asked: string[] = [];
    cluster.platform.images.resolve = async (image, { pullSecret = "" }) => {
      asked.push(`${image} ${pullSecret}`);
      if (image === "absent") throw new Problem("image_unavailable", "There is no absent.");
      return { image, digest: `sha256:${String(asked.length).repeat(64)}` };
    };
    const source = async () => JSON.parse(await currentCode()) as { image: string; digest: string };
    await cluster.platform.secrets.put("registry", { value: "user:password" });
    apply({ image: "nginx:1", pullSecret: "registry", max: 1 });
    await serves(1);
    await settled("Serving");
    assert.deepEqual(await source(), { image: "nginx:1", digest: `sha256:${"1".repeat(64)}` });
    assert.deepEqual(asked, ["nginx:1 registry"]);
    const { runtime, image } = read()!.spec;
    assert.deepEqual([runtime, image], ["image", undefined], "the version has it now");
    apply({ image: "nginx:1", max: 2 });
    await serves(2);
    assert.equal(asked.length, 1);
    apply({ image: "nginx:2" });
    await serves(3);
    assert.equal((await source()).image, "nginx:2");
    const fault = (reason: string) =>
      eventually(`the fault is ${reason}`, () =>
        (read()?.status?.conditions ?? []).some((condition) => condition.reason === reason),
      );
    apply({ image: "absent" });
    await fault("ImageUnavailable");
    apply({ image: "nginx:2", source: "one" });
    await fault("InvalidSetting");
  });

  it("makes a new version of a changed source, and of changed settings without building", async () => {
    apply({ source: "one" });
    await serves(1);
    apply({ source: "two" });
    await serves(2);
    assert.equal(await currentCode(), "two");
    apply({ memoryMiB: 256 });
    await serves(3);
    assert.equal((await cluster.platform.find("hello"))?.settings.memoryMiB, 256);
  });

  it("builds the stored source again when spec.entry changes", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await settled("Serving");
    apply({ entry: "src/a.ts" });
    await serves(2);
    assert.deepEqual(entries, ["src/a.ts"]);
    assert.equal((await cluster.platform.find("hello"))?.settings.entry, "src/a.ts");
    assert.equal(await currentCode(), "one");
  });

  it("does nothing when there is nothing to do, however often it is asked", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await settled("Serving");
    const progress = () => read()?.status?.conditions?.find(({ type }) => type === "Progressing");
    await eventually("the deploy is over", () => progress()?.reason === "Settled");
    const writes = () => cluster.server.requests.filter((each) => !each.startsWith("GET ")).length;
    const before = writes();
    for (const label of ["a", "b", "c"]) {
      const object = read()!;
      cluster.server.put("functions", { ...object, metadata: { ...object.metadata, labels: { x: label } } });
    }
    await eventually(
      "it has seen the last",
      () => cluster.platform.mirror.functions.get("hello")?.metadata.labels?.x === "c",
    );
    await reconciler.close();
    assert.equal(writes(), before);
    assert.equal(builds, 0);
  });

  it("makes again what was deleted, and puts right what was edited", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await settled("Serving");
    for (const [kind, name] of [
      ["services", "hello-service"],
      ["horizontalpodautoscalers", "hello.v1"],
      ["deployments", "hello.v1"],
    ] as const) {
      const before = cluster.server.read(kind, name)!.metadata.uid;
      cluster.server.remove(kind, name);
      await eventually(
        `${kind} is back`,
        () => (cluster.server.read(kind, name)?.metadata.uid ?? before) !== before,
      );
    }
    const autoscaler = cluster.server.read<FunctionResource>("horizontalpodautoscalers", "hello.v1")!;
    cluster.server.put("horizontalpodautoscalers", {
      ...autoscaler,
      spec: { ...autoscaler.spec, maxReplicas: 99 },
    });
    const most = () =>
      (
        cluster.server.read("horizontalpodautoscalers", "hello.v1") as unknown as {
          spec: { maxReplicas: number };
        }
      ).spec.maxReplicas;
    await eventually("the edit is gone", () => most() === 10);
  });

  it("leaves alone what the leader before made, and makes again what was deleted meanwhile", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await settled("Serving");
    await reconciler.close();
    cluster.server.remove("horizontalpodautoscalers", "hello.v1");
    cluster.lines.length = 0;
    reconciler = open();
    const made = () => cluster.lines.filter((line) => /: (created|repaired) /.test(line));
    await eventually("something was made", () => made().length > 0);
    const autoscaler = "hello: repaired horizontalpodautoscalers hello.v1";
    // Maybe twice: before the watch has told of it.
    assert.deepEqual([...new Set(made())], [autoscaler]);
  });

  it("writes nothing to a settled installation that it lists again, twice", async () => {
    const permissions = { net: ["10.1.2.3"], sys: [] };
    await publish(cluster.platform, draftOf("hello", "one", { min: 1, permissions }));
    await settled("Serving");
    const progress = () => read()?.status?.conditions?.find(({ type }) => type === "Progressing");
    await eventually("the deploy is over", () => progress()?.reason === "Settled");
    const writes = () => cluster.server.requests.filter((each) => !each.startsWith("GET "));
    const before = writes();
    for (const label of ["a", "b"]) {
      await reconciler.close();
      reconciler = open();
      const object = read()!;
      cluster.server.put("functions", { ...object, metadata: { ...object.metadata, labels: { x: label } } });
      const gets = cluster.server.requests.length;
      const isListed = () => cluster.server.requests.slice(gets).some((each) => /deployments$/.test(each));
      await eventually("everything is listed", isListed);
      await eventually("it has seen it", () => {
        return cluster.platform.mirror.functions.get("hello")?.metadata.labels?.x === label;
      });
    }
    await reconciler.close();
    assert.deepEqual(writes(), before);
  });

  it("brings pods back that somebody scaled away below min", async () => {
    await publish(cluster.platform, draftOf("hello", "one", { min: 2 }));
    await settled("Serving");
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 0);
    await eventually("two are ready", () => servingOf(cluster.platform, "hello")?.instances.length === 2);
  });

  it("builds a bundle again whose ConfigMap was deleted", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await settled("Serving");
    const bundle = () =>
      cluster.server
        .list<ConfigMap>("configmaps")
        .find(({ metadata }) => metadata.labels?.["skiff.dev/part"] === "bundle");
    const { metadata, binaryData } = bundle()!;
    cluster.server.remove("configmaps", metadata.name);
    await eventually("it is back", () => bundle() !== undefined);
    assert.deepEqual([bundle()?.metadata.name, bundle()?.binaryData], [metadata.name, binaryData]);
  });

  it("says what is wrong with a source that does not build, once, and keeps what serves", async () => {
    apply({ source: "one" });
    await serves(1);
    apply({ source: "broken" });
    await eventually(
      "it says so",
      () => read()?.status?.conditions?.some(({ reason }) => reason === "BuildFailed") ?? false,
    );
    assert.equal(ready()?.status, "True");
    assert.match(read()!.status!.lastErrors!.at(-1)!.message, /main\.ts:1:1/);
    assert.equal(builds, 2);
    apply({ source: "three" });
    await serves(2);
  });

  it("says what is wrong with settings, and with a Function that has no source", async () => {
    apply({ source: "one", min: 5, max: 2 });
    await settled("InvalidSetting");
    assert.match(ready()!.message!, /min/);
    cluster.server.remove("functions", "hello");
    apply({ min: 0 });
    await settled("CodeMissing");
  });

  it("deploys the host names of spec, and says which function has one already", async () => {
    await publish(cluster.platform, draftOf("other", "one", { hosts: ["app.example.com"] }));
    apply({ source: "one", hosts: ["new.example.com"] });
    await serves(1);
    assert.deepEqual(cluster.platform.endpoints("hello")?.hosts, ["new.example.com"]);
    apply({ hosts: ["app.example.com"] });
    const built = () => read()?.status?.conditions?.find(({ type }) => type === "Built");
    await eventually("it has a fault", () => built()?.reason === "HostTaken");
    assert.match(built()!.message!, /app\.example\.com belongs to the function "other"/);
    assert.deepEqual(cluster.platform.endpoints("hello")?.hosts, ["new.example.com"]);
  });

  it("says with its last lines why a Function does not start, and leaves no crashing pods", async () => {
    cluster.crashing.set(1, "last words");
    apply({ source: "one" });
    await settled("StartFailed");
    assert.match(ready()!.message!, /last words/);
    assert.equal(cluster.server.read("deployments", "hello.v1"), undefined);
    assert.equal(read()?.spec.source, "one", "what was applied stays");
  });

  it("makes a Deployment for a version without traffic while a router waits for it, and removes it afterwards", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await publish(cluster.platform, draftOf("hello", "two"));
    await eventually("the first has none", () => cluster.replicas("hello", 1) === undefined);
    assert.ok(cluster.server.read("horizontalpodautoscalers", "hello.v1") === undefined);
    const woken = cluster.platform.wake("hello", 1);
    await eventually(
      "it is asked for",
      () => cluster.server.requests.at(-1)?.endsWith("hello.v1/scale") ?? false,
    );
    reconciler.wake("hello", 1);
    await woken;
    const [first, second] = cluster.platform.endpoints("hello")!.versions;
    assert.deepEqual([first?.instances.length, second?.instances.length], [1, 1]);
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 0);
    await eventually("it is gone", () => cluster.replicas("hello", 1) === undefined);
    assert.equal(cluster.replicas("hello", 2), 1);
  });

  it("keeps no min of a version without traffic", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await cluster.platform.store(draftOf("hello", "two", { min: 2 }));
    await eventually("the turn has ended", () => read()?.metadata.annotations?.[SINCE] === undefined);
    const least = () => {
      const autoscaler = cluster.server.read<FunctionResource>("horizontalpodautoscalers", "hello.v2");
      return (autoscaler?.spec as { minReplicas?: number } | undefined)?.minReplicas;
    };
    assert.deepEqual([least(), cluster.replicas("hello", 2)], [1, 1]);
    await cluster.platform.route("hello", [{ version: 2, weight: 1 }]);
    assert.deepEqual([least(), cluster.replicas("hello", 2)], [2, 2]);
  });

  it("reports the version that takes calls after somebody has set spec.version back by hand", async () => {
    await publish(cluster.platform, draftOf("hello", "one", { memoryMiB: 64 }));
    await publish(cluster.platform, draftOf("hello", "two", { memoryMiB: 256 }));
    await settled("Serving");
    await eventually("the deploy is over", isOver);
    apply({ version: 1 });
    await serves(1);
    assert.equal((await cluster.platform.describe("hello"))?.version, 1);
    assert.equal((await cluster.platform.describe("hello"))?.settings.memoryMiB, 64);
    assert.deepEqual((await cluster.platform.describe("hello"))?.versions.length, 2);
    assert.equal(read()?.spec.memoryMiB, 64);
  });

  it("lists the versions again that a status has lost", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await publish(cluster.platform, draftOf("hello", "two"));
    await settled("Serving");
    const { status: _, ...rest } = read()!;
    cluster.server.put("functions", rest);
    await eventually("they are listed", () => read()?.status?.versions?.length === 2);
    assert.equal(read()?.status?.version, 2);
  });

  it("removes what is left of a store whose manager died", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await settled("Serving");
    const left = cluster.server.list<ConfigMap>("configmaps").map((part) => {
      const { uid: _, ...metadata } = part.metadata;
      const labels = { ...metadata.labels, "skiff.dev/version": "2" };
      return { ...part, metadata: { ...metadata, labels, name: metadata.name.replace("-v1-", "-v2-") } };
    });
    for (const part of left) cluster.server.put("configmaps", part);
    interrupt({});
    await eventually("it is over", isOver);
    await eventually("nothing is left", () => cluster.server.list("configmaps").length === 2);
    assert.deepEqual((await cluster.platform.describe("hello"))?.versions.length, 1);
  });

  it("removes a Function whose first store was interrupted", async () => {
    cluster.server.put("functions", {
      metadata: { name: "hello", annotations: { [SINCE]: "2020-01-01T00:00:00Z" } },
      spec: { min: 0 },
    });
    await eventually("it is gone", () => read() === undefined);
  });

  it("completes a publish whose manager died after the version served, and takes back one that never did", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await settled("Serving");
    interrupt({ version: 9 });
    await eventually("it is taken back", () => isOver() && read()?.spec.version === 1);
    interrupt({});
    await eventually("it is completed", isOver);
    assert.equal(read()?.status?.version, 1);
  });
});
