import assert from "node:assert/strict";
import { decodeLoad, type LoadMessage } from "../../../../client-image/load-message.ts";
import { Opener, podKey } from "../../../../client-image/sealed.ts";
import type { FunctionResource, Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import type { KubernetesPlatform } from "../../../../platform/kubernetes/kubernetes-platform.ts";
import { poolKeys } from "../../../../platform/kubernetes/pool/pool-keys.ts";
import type { SendOptions } from "../../../../platform/kubernetes/pool/pool-load.ts";
import { eventually } from "../../../support/eventually.ts";
import { publish, servingOf, wake } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster } from "../../../support/platform/fake-cluster.ts";

const SECRET = "a secret of the installation";
const CODE = `export default () => "hello";`;

describe("the pool", () => {
  let cluster: FakeCluster;
  let loads: LoadMessage[];
  const platforms: KubernetesPlatform[] = [];

  const pods = (state: string) =>
    cluster.server.list<Pod>("pods").filter(({ metadata }) => metadata.labels?.["skiff.dev/pool"] === state);
  const names = (state: string) => pods(state).map(({ metadata }) => metadata.name);
  const functionUid = (name: string) =>
    cluster.server.read<FunctionResource>("functions", name)!.metadata.uid!;
  const instances = (platform: KubernetesPlatform, name = "hello") =>
    servingOf(platform, name)?.instances.map(({ id }) => id) ?? [];

  /** A manager or router that uses the pool; `give` stands for the pods, which are none here. */
  async function open(give: (options: SendOptions) => Promise<void> = async () => {}) {
    const platform = cluster.open({
      poolSecret: SECRET,
      sendToPod: async (sealed, options) => {
        const { message, bundle } = decodeLoad(await opened(sealed));
        assert.equal(Buffer.from(bundle).toString(), CODE);
        loads.push(message);
        await give(options);
      },
    });
    platforms.push(platform);
    await platform.synced;
    await platform.pool!.synced;
    return platform;
  }

  /** By the pod that it was sealed for. */
  async function opened(sealed: Uint8Array): Promise<Uint8Array> {
    const uids = cluster.server.list<Pod>("pods").map(({ metadata }) => metadata.uid!);
    const { ours, pods } = poolKeys(SECRET);
    const tries = uids.map(async (uid) => {
      const opener = await Opener.from({ ...pods, own: await podKey(ours.seed, uid) }, uid);
      return await opener.open(sealed);
    });
    return await Promise.any(tries);
  }

  /** A function that sleeps, on a cluster whose own pods never come. */
  async function sleeping(name: string, settings: Parameters<typeof draftOf>[2] = {}): Promise<void> {
    cluster.makesPods = true;
    await publish(cluster.platform, draftOf(name, CODE, settings));
    await cluster.platform.children.scale({ name, version: 1 }, 0);
    await eventually("it sleeps", () => instances(cluster.platform, name).length === 0);
    cluster.makesPods = false;
  }

  beforeEach(async () => {
    loads = [];
    cluster = await FakeCluster.start();
  });
  afterEach(async () => {
    for (const platform of platforms.splice(0)) await platform.close();
    await cluster.close();
  });

  it("wakes a function with a pod that its ReplicaSet owns then, and says how long that took", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    const router = await open();
    const steps = await wake(router, "hello");
    // On a slow machine its own pods are asked for as well.
    const own = new Set(["api", "pod", "schedule"]);
    assert.deepEqual(
      steps.map(({ name }) => name).filter((name) => !own.has(name)),
      ["claim", "load"],
    );
    assert.deepEqual(
      loads.map(({ start }) => start.function),
      [{ name: "hello", version: 1 }],
    );
    assert.equal(loads[0]!.inPlace, true);
    assert.equal(instances(router).length, 1);
    await eventually("it is adopted", () => names("adopted").length === 1);
    const { labels, ownerReferences } = pods("adopted")[0]!.metadata;
    assert.deepEqual(labels, {
      "skiff.dev/pool": "adopted",
      "skiff.dev/function": "hello",
      "skiff.dev/version": "1",
      "pod-template-hash": "hash-1",
    });
    const set = cluster.server.list("replicasets")[0]!.metadata;
    assert.deepEqual(ownerReferences, [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: set.name, uid: set.uid, controller: true },
    ]);
    assert.deepEqual(router.pool!.outcomes, { claimed: 1, empty: 0, settings: 0, failed: 0, off: 0 });
  });

  it("shows other routers a loaded pod by its labels, before any slice does", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    const [router, other] = [await open(), await open()];
    await wake(router, "hello");
    await eventually("the other one has it", () => instances(other).length === 1);
    assert.deepEqual(instances(other), instances(router));
  });

  it("serves a new version from the pool while its own pods are on their way", async () => {
    cluster.makesPods = false;
    cluster.putFreePod("free-1");
    const manager = await open();
    const { version } = await publish(manager, draftOf("hello", CODE));
    assert.equal(version, 1);
    assert.equal(instances(manager).length, 1);
    await eventually("it is adopted", () => names("adopted").length === 1);
    assert.equal(cluster.replicas("hello", 1), 1);
    await eventually("it has what it needs to scale", () => {
      return (
        cluster.server.list("services").length + cluster.server.list("horizontalpodautoscalers").length === 2
      );
    });
  });

  it("keeps the pod of a version that is stored without traffic", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    cluster.makesPods = false;
    cluster.putFreePod("free-1");
    const manager = await open();
    await manager.store(draftOf("hello", CODE));
    await eventually("it is adopted", () => names("adopted").length === 1);
    assert.equal(cluster.replicas("hello", 2), 1);
    assert.deepEqual(manager.endpoints("hello")?.traffic, [{ version: 1, weight: 1 }]);
  });

  it("serves a new version before it asks the cluster for pods", async () => {
    cluster.putFreePod("free-1");
    const manager = await open();
    const before = cluster.server.requests.length;
    await publish(manager, draftOf("hello", CODE));
    const requests = cluster.server.requests.slice(before);
    const told = requests.findLastIndex((request) => /^PATCH .*\/pods\/free-1/.test(request));
    const asked = requests.findIndex((request) => /^POST .*\/deployments$/.test(request));
    assert.ok(told >= 0 && asked > 0, requests.join("\n"));
    const loaded = requests.findIndex((request) => /^PATCH .*\/pods\/free-1/.test(request));
    assert.ok(loaded < asked, requests.join("\n"));
    assert.deepEqual(loads.length, 1);
  });

  it("leaves a version to its own pods when the pool's pod dies before anybody has seen it", async () => {
    cluster.putFreePod("free-1");
    const manager = await open(async () => {
      manager.mirror.addEarly = () => {};
      cluster.server.remove("pods", "free-1");
    });
    assert.equal((await publish(manager, draftOf("hello", CODE))).version, 1);
    assert.equal(instances(manager).length, 1);
    assert.match(cluster.lines.join("\n"), /could not be adopted/);
  });

  it("takes a version back that it serves already when the cluster refuses its Deployment", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    cluster.putFreePod("free-1");
    const manager = await open();
    const isMade = (method: string, path: string) => method === "POST" && path.endsWith("/deployments");
    cluster.server.fail({ status: 403, matches: isMade });
    await assert.rejects(publish(manager, draftOf("hello", CODE)), { code: "platform_unavailable" });
    const { spec, status } = cluster.server.read<FunctionResource>("functions", "hello")!;
    assert.deepEqual([spec.version, status?.version], [1, 1]);
    assert.deepEqual(manager.endpoints("hello")?.traffic, [{ version: 1, weight: 1 }]);
    await eventually("only version 1 may be called", () => manager.endpoints("hello")?.versions.length === 1);
    await eventually("the pod is given up", () => names("spent").length === 1);
  });

  it("leaves a Function that was applied without a version when the cluster refuses its first Deployment", async () => {
    cluster.putFreePod("free-1");
    const manager = await open();
    const metadata = { name: "hello", namespace: "skiff-functions" };
    cluster.server.put("functions", {
      metadata,
      spec: { source: CODE },
    } as Partial<FunctionResource> as FunctionResource);
    await eventually("it is seen", () => manager.mirror.functions.get("hello") !== undefined);
    const isMade = (method: string, path: string) => method === "POST" && path.endsWith("/deployments");
    cluster.server.fail({ status: 403, matches: isMade });
    await assert.rejects(publish(manager, draftOf("hello", CODE)), { code: "platform_unavailable" });
    const { spec, status } = cluster.server.read<FunctionResource>("functions", "hello")!;
    assert.deepEqual([spec.version, status?.version], [undefined, undefined]);
  });

  it("gives a pod to one of many who want it at the same moment; the others take the next one", async () => {
    const functions = ["one", "two", "three", "four"];
    for (const name of functions) await sleeping(name);
    cluster.putPool(3);
    for (const name of ["free-1", "free-2", "free-3"]) cluster.putFreePod(name);
    const routers = await Promise.all(functions.map(() => open()));
    cluster.makesPods = true;
    await Promise.all(functions.map((name, index) => wake(routers[index]!, name)));
    await eventually("three are adopted", () => names("adopted").length === 3);
    assert.equal(new Set(loads.map(({ start }) => start.function.name)).size, 3);
    const count = (outcome: "claimed" | "empty") =>
      routers.reduce((sum, { pool }) => sum + pool!.outcomes[outcome], 0);
    await eventually("the fourth has found nothing", () => count("empty") === 1);
    assert.equal(count("claimed"), 3);
  });

  it("is left alone where a function's settings need a pod of its own, or it is empty", async () => {
    await sleeping("large", { memoryMiB: 256 });
    await sleeping("slow", { timeoutMs: 120_000 });
    await sleeping("inward", { permissions: { net: ["public", "10.0.0.7"], sys: [] } });
    await sleeping("plain");
    cluster.putPool(1);
    const router = await open();
    cluster.makesPods = true;
    await wake(router, "plain");
    cluster.putFreePod("free-1");
    await eventually("the pod is seen", () => router.pool!.free === 1);
    await wake(router, "large");
    await wake(router, "slow");
    await wake(router, "inward");
    assert.deepEqual(router.pool!.outcomes, { claimed: 0, empty: 1, settings: 3, failed: 0, off: 0 });
    assert.deepEqual([names("free"), loads], [["free-1"], []]);
  });

  it("is not called empty where none is wanted, and is noticed when one is", async () => {
    await sleeping("large", { memoryMiB: 256 });
    for (const name of ["plain", "later"]) await sleeping(name);
    cluster.putPool(0);
    const router = await open();
    cluster.makesPods = true;
    await wake(router, "plain");
    await wake(router, "large");
    assert.deepEqual(router.pool!.outcomes, { claimed: 0, empty: 0, settings: 0, failed: 0, off: 2 });
    cluster.putPool(1);
    cluster.putFreePod("free-1");
    await eventually("the pod is seen", () => router.pool!.free === 1);
    await wake(router, "later");
    assert.equal(router.pool!.outcomes.claimed, 1);
  });

  it("gives up a pod that others see already when the word of that was lost", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    const router = await open();
    let patches = 0;
    const isTold = (method: string, path: string) => {
      if (method !== "PATCH" || !path.endsWith("/pods/free-1") || ++patches !== 2) return false;
      const pod = cluster.server.read<Pod>("pods", "free-1")!;
      const labels = { ...pod.metadata.labels, "skiff.dev/pool": "loaded", "skiff.dev/function": "hello" };
      cluster.server.put("pods", { ...pod, metadata: { ...pod.metadata, labels } });
      return true;
    };
    cluster.server.fail({ status: 500, matches: isTold });
    await wake(router, "hello");
    await eventually("the pod is given up", () => names("spent").length === 1);
  });

  it("gives up a pod that dies between claim and load; the function's own pods wake it", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    cluster.makesPods = true;
    const router = await open(async () => {
      throw new Error("connection refused");
    });
    await wake(router, "hello");
    assert.equal(instances(router).length, 1);
    await eventually("the pod is given up", () => names("spent").length === 1);
    await eventually("it is counted", () => router.pool!.outcomes.failed === 1);
    assert.ok(
      cluster.lines.some((line) => /a pod of the pool could not load it: connection refused/.test(line)),
    );
  });

  it("leaves a function to the normal way where the cluster lets no pod be claimed", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    cluster.makesPods = true;
    const router = await open();
    const isClaim = (method: string, path: string) => method === "PATCH" && path.endsWith("/pods/free-1");
    cluster.server.fail({ status: 403, matches: isClaim });
    await wake(router, "hello");
    assert.equal(instances(router).length, 1);
    assert.deepEqual([router.pool!.outcomes.failed, names("free"), loads], [1, ["free-1"], []]);
  });

  it("sends no call to a pod that died after it was loaded", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    const router = await open(async () => {
      const [pod = assert.fail()] = pods("claimed");
      const conditions = [{ type: "Ready", status: "False" }];
      cluster.server.put("pods", { ...pod, status: { podIP: "127.0.0.1", conditions } });
    });
    await wake(router, "hello");
    await eventually("it is adopted", () => names("adopted").length === 1);
    await eventually("the router has seen it", () => instances(router).length === 0);
  });

  it("gives no pod to a function of the same name that was made after the one it was loaded for", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    const router = await open(async () => {
      // A cluster takes its time to delete what a Function owned.
      const [pod = assert.fail()] = pods("claimed");
      cluster.server.put("pods", { ...pod, metadata: { ...pod.metadata, ownerReferences: [] } });
      cluster.makesPods = true;
      cluster.server.remove("functions", "hello");
      await publish(cluster.platform, draftOf("hello", "another"));
      const uid = functionUid("hello");
      await eventually("seen", () => router.mirror.functions.get("hello")?.metadata.uid === uid);
    });
    await assert.rejects(wake(router, "hello"), { code: "unknown_function" });
    await eventually("it is given up", () => names("spent").length === 1);
    const [own] = cluster.server
      .list<Pod>("pods")
      .filter(({ metadata }) => /^hello\.v1-/.test(metadata.name));
    await eventually("its own pod has the calls", () => instances(router).join() === own?.metadata.uid);
  });

  it("lets a claimed pod go with its Function when that is deleted in the middle", async () => {
    await sleeping("hello");
    cluster.putFreePod("free-1");
    const claimed = Promise.withResolvers<void>();
    const router = await open(async ({ signal }) => {
      claimed.resolve();
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    const woken = wake(router, "hello");
    woken.catch(() => {});
    await claimed.promise;
    const { labels, ownerReferences } = pods("claimed")[0]!.metadata;
    assert.equal(labels?.["skiff.dev/claimed-for"], "hello");
    assert.deepEqual(
      ownerReferences?.map(({ uid, controller }) => [uid, controller]),
      [
        ["pool", undefined],
        [functionUid("hello"), false],
      ],
    );
    await cluster.platform.remove("hello");
    await assert.rejects(woken, { code: "unknown_function" });
    assert.deepEqual(cluster.server.list("pods"), []);
  });

  it("wakes a version without traffic, whose Deployment is gone", async () => {
    await publish(cluster.platform, draftOf("hello", CODE));
    await publish(cluster.platform, draftOf("hello", "two"));
    cluster.server.remove("deployments", "hello.v1");
    cluster.putFreePod("free-1");
    const router = await open();
    await router.wake("hello", 1);
    const [first] = router.endpoints("hello")!.versions;
    assert.deepEqual([first?.version, first?.instances.length], [1, 1]);
    assert.deepEqual(
      loads.map(({ start }) => start.function.version),
      [1],
    );
  });

  it("gives up the pod of a version whose deploy fails", async () => {
    await publish(cluster.platform, draftOf("hello", CODE));
    cluster.makesPods = false;
    cluster.putFreePod("free-1");
    const manager = await open(async () => {
      throw new Error("it does not start");
    });
    await assert.rejects(publish(manager, draftOf("hello", "two")), { code: "no_capacity" });
    await eventually("the pod is given up", () => names("spent").length === 1);
    assert.equal(servingOf(manager, "hello")?.version, 1);
  });
});
