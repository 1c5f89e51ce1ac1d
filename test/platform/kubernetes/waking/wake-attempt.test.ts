import assert from "node:assert/strict";
import { WakeAttempt } from "../../../../platform/kubernetes/waking/wake-attempt.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { publish, servingOf } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster } from "../../../support/platform/fake-cluster.ts";

describe("a waking", () => {
  let cluster: FakeCluster;
  beforeEach(async () => {
    cluster = await FakeCluster.start();
  });
  afterEach(() => cluster.close());

  it("probes no pod that shows itself when it is over: nobody would stop that", async () => {
    const { api, platform } = cluster;
    const endpoints = platform.mirror;
    await publish(platform, draftOf("hello", "export default () => 1;"));
    await platform.children.scale("hello", 0);
    await eventually("it sleeps", () => servingOf(platform, "hello")?.instances.length === 0);
    cluster.makesPods = false;
    const options = { api, endpoints, namespace: "skiff-functions", limits: limitsFromEnv({}) };
    const attempt = new WakeAttempt("hello", options);
    await attempt.watchPods();
    // As long as the cluster has not confirmed it, the waking looks on.
    endpoints.addEarly("hello", { id: "early", address: { host: "127.0.0.1", port: 1 }, version: 1 });
    const closing = new AbortController();
    const ended = attempt.end(closing.signal);
    const metadata = { name: "late", labels: { "skiff.dev/function": "hello" } };
    cluster.server.put("pods", { metadata, status: { podIP: "127.0.0.1" } });
    const seen = () => attempt.steps.map(({ name }) => name);
    await eventually("the pod is seen", () => seen().includes("pod"));
    assert.ok(!seen().includes("container"), "it would be asked next");
    closing.abort();
    await ended;
  });
});
