import assert from "node:assert/strict";
import { bytesOf, PodMemory } from "../../../platform/kubernetes/descriptions/pod-memory.ts";
import { eventually } from "../../support/eventually.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FakeCluster } from "../../support/platform/fake-cluster.ts";

const METRICS = "GET /apis/metrics.k8s.io/v1beta1/namespaces/skiff-functions/pods";
const labels = { "skiff.dev/function": "hello" };

describe("the memory of pods", () => {
  let cluster: FakeCluster;
  before(async () => {
    cluster = await FakeCluster.start();
  });
  after(() => cluster.close());

  function put(name: string, ...memory: readonly string[]): void {
    const containers = memory.map((used, index) => ({ name: `c${index}`, usage: { memory: used } }));
    cluster.server.put("pods.metrics", { metadata: { name, labels }, containers });
  }
  const asked = () => cluster.server.requests.filter((request) => request === METRICS).length;
  function reader(lines: string[] = []) {
    const clock = { nowMs: 0 };
    const print = (line: string) => void lines.push(line);
    const { api } = cluster;
    const memory = new PodMemory({ api, namespace: "skiff-functions", now: () => clock.nowMs, print });
    return { clock, memory };
  }

  it("is read for all of them at once, at most every ten seconds", async () => {
    cluster.server.hasMetrics = true;
    put("one", "51200Ki", "1Mi");
    const { clock, memory } = reader();
    const before = asked();
    const [first, again] = await Promise.all([memory.read(), memory.read()]);
    assert.deepEqual([[...first!], first === again, asked() - before], [[["one", 51]], true, 1]);
    put("one", "10Mi");
    clock.nowMs = 9_999;
    assert.equal((await memory.read())?.get("one"), 51);
    clock.nowMs = 10_000;
    // The former answer is at hand, so nobody waits.
    assert.equal((await memory.read())?.get("one"), 51);
    await eventually("the new one is there", async () => (await memory.read())?.get("one") === 10);
    assert.equal(asked() - before, 2);
  });

  it("is unknown without a metrics API, which is asked again after five minutes", async () => {
    cluster.server.hasMetrics = false;
    const lines: string[] = [];
    const { clock, memory } = reader(lines);
    const before = asked();
    assert.equal(await memory.read(), undefined);
    clock.nowMs = 299_000;
    assert.equal(await memory.read(), undefined);
    assert.deepEqual([asked() - before, lines.length], [1, 1]);
    cluster.server.hasMetrics = true;
    clock.nowMs = 301_000;
    assert.equal((await memory.read())?.get("one"), 10);
  });

  it("is forgotten when the metrics API fails for a minute", async () => {
    const lines: string[] = [];
    const { clock, memory } = reader(lines);
    assert.equal((await memory.read())?.get("one"), 10);
    const matches = (_: string, path: string) => path.includes("metrics.k8s.io");
    cluster.server.fail({ status: 503, matches });
    clock.nowMs = 61_000;
    assert.equal(await memory.read(), undefined);
    assert.equal(lines.length, 1);
  });

  it("is shown with the instances of a function, and sampled by their ids", async () => {
    await publish(cluster.platform, draftOf("hello", "export default 1"));
    const [pod] = cluster.server.list("pods");
    put(pod!.metadata.name, "20Mi");
    const platform = cluster.open();
    await platform.synced;
    const { instances } = (await platform.describe("hello"))!;
    assert.deepEqual(
      instances.map(({ id, memoryMiB }) => [id, memoryMiB]),
      [[pod!.metadata.uid, 20]],
    );
    assert.deepEqual([...(await platform.memoryById())!], [[pod!.metadata.uid, 20]]);
    await platform.close();
  });

  it("is parsed from quantities of Kubernetes", () => {
    const quantities = { "0": 0, "128974848": 128_974_848, "129e6": 129e6, "129M": 129e6, "1Ki": 1_024 };
    for (const [text, bytes] of Object.entries(quantities)) assert.equal(bytesOf(text), bytes, text);
    assert.deepEqual([bytesOf("1.5Gi"), bytesOf("2000m"), bytesOf("3k")], [1.5 * 1_024 ** 3, 2, 3_000]);
  });
});
