import assert from "node:assert/strict";
import type { FunctionResource } from "../../../../platform/kubernetes/cluster/resources.ts";
import { type NotReady, Start } from "../../../../platform/kubernetes/starting/start.ts";
import { eventually } from "../../../support/eventually.ts";
import { instancesOf, publish } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { crashed, FakeCluster } from "../../../support/platform/fake-cluster.ts";
import { FakePod } from "../../../support/platform/fake-pod.ts";

describe("a start", () => {
  let cluster: FakeCluster;
  let start: Start;
  let closing: AbortController;
  const pods: FakePod[] = [];

  /** A function that sleeps, on a cluster that makes no pods by itself. */
  beforeEach(async () => {
    cluster = await FakeCluster.start();
    closing = new AbortController();
    const { api, platform } = cluster;
    await publish(platform, draftOf("hello", "export default () => 1;"));
    await platform.children.scale({ name: "hello", version: 1 }, 0);
    await eventually("it sleeps", () => instancesOf(platform, "hello").length === 0);
    cluster.makesPods = false;
    const uid = cluster.server.read<FunctionResource>("functions", "hello")!.metadata.uid!;
    const options = { api, endpoints: platform.mirror, namespace: "skiff-functions" };
    start = new Start({ name: "hello", uid, version: 1, count: 1 }, options);
    await start.watchPods();
  });
  afterEach(async () => {
    closing.abort();
    await start.end(closing.signal);
    await cluster.close();
    for (const pod of pods.splice(0)) await pod.close();
  });

  const put = (name: string, version: number, status: object) => {
    const labels = { "skiff.dev/function": "hello", "skiff.dev/version": String(version) };
    cluster.server.put("pods", { metadata: { name, labels }, status });
  };
  const steps = () => start.steps.map(({ name }) => name);

  it("sends calls to a pod that answers, before the cluster reports it as ready", async () => {
    const pod = await FakePod.start();
    pods.push(pod);
    put("p", 1, { podIP: pod.host });
    await eventually("it is asked", () => steps().includes("container"));
    await pod.run({ code: Buffer.from("export default () => 1;"), version: 1 });
    await start.done;
    assert.deepEqual(
      instancesOf(cluster.platform, "hello").map(({ address }) => address),
      [{ host: pod.host, port: 8000 }],
    );
  });

  it("is not done by a pod of another version", async () => {
    put("other", 2, { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] });
    put("own", 1, crashed("last words"));
    await assert.rejects(start.done, (error: NotReady) => {
      assert.deepEqual([error.isLate, error.trouble?.log], [false, ["last words"]]);
      return true;
    });
  });

  it("fails with what its pods report when its time is over", async () => {
    const conditions = [{ type: "PodScheduled", status: "False", message: "Insufficient cpu" }];
    put("p", 1, { conditions });
    await eventually("it is seen", () => steps().includes("pod"));
    start.expire("1 s");
    await assert.rejects(start.done, {
      isLate: true,
      message: "was ready within 1 s: No node fits the pod: Insufficient cpu",
    });
  });

  it("fails when its function is removed", async () => {
    cluster.server.remove("functions", "hello");
    await assert.rejects(start.done, { code: "unknown_function" });
  });

  it("probes no pod that appears after its end: nothing would stop that", async () => {
    const pod = await FakePod.start();
    pods.push(pod);
    await pod.run({ code: Buffer.from("export default () => 1;"), version: 1 });
    put("p", 1, { podIP: pod.host });
    await start.done;
    // It watches its pod until the cluster has confirmed that it is ready.
    const ended = start.end(closing.signal);
    const late = await FakePod.start();
    pods.push(late);
    await late.run({ code: Buffer.from("export default () => 1;"), version: 1 });
    put("late", 1, { podIP: late.host, conditions: [{ type: "PodScheduled", status: "True" }] });
    await eventually("the pod is seen", () => steps().includes("schedule"));
    closing.abort();
    await ended;
    assert.equal(instancesOf(cluster.platform, "hello").length, 0);
  });
});
