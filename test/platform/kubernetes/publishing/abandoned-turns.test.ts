import assert from "node:assert/strict";
import { KubeApi } from "../../../../platform/kubernetes/cluster/api.ts";
import type { FunctionResource } from "../../../../platform/kubernetes/cluster/resources.ts";
import type { KubernetesPlatform } from "../../../../platform/kubernetes/kubernetes-platform.ts";
import { MarkWatch } from "../../../../platform/kubernetes/publishing/turn-mark.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { instancesOf, publish, servingOf } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster } from "../../../support/platform/fake-cluster.ts";

/** A deploy of the same name gets through within this time. */
const WITHIN_MS = 20_000;

describe("the turn of a manager that is gone", () => {
  let cluster: FakeCluster;
  let other: KubernetesPlatform;
  /** False: the other manager reaches the API server no more, as one that was killed. */
  let isAlive: boolean;
  const resource = () => cluster.server.read<FunctionResource>("functions", "hello");
  const annotation = (name: string) => resource()?.metadata.annotations?.[`skiff.dev/publishing-${name}`];

  beforeEach(async () => {
    cluster = await FakeCluster.start();
    isAlive = true;
    const connection = cluster.server.connection();
    const dispatcher = connection.dispatcher.compose((dispatch) => (options, handler) => {
      if (!isAlive) throw new Error("this manager was killed");
      return dispatch(options, handler);
    });
    const limits = limitsFromEnv({ SKIFF_START_TIMEOUT: "20s" });
    other = cluster.open({ limits, api: new KubeApi({ ...connection, dispatcher }) });
    await other.synced;
  });
  afterEach(async () => {
    await other.close();
    await cluster.close();
  });

  /** A deploy of the other manager that waits for its pods. */
  async function stuckDeploy(text: string): Promise<{ readonly done: Promise<unknown> }> {
    cluster.makesPods = false;
    const deployments = cluster.server.list("deployments").length;
    const done = publish(other, draftOf("hello", text));
    done.catch(() => {});
    await eventually("it waits", () => cluster.server.list("deployments").length > deployments);
    return { done };
  }

  async function deployInTime(text: string) {
    cluster.makesPods = true;
    const startedMs = performance.now();
    const published = await publish(cluster.platform, draftOf("hello", text));
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < WITHIN_MS, `it took ${tookMs} ms`);
    return published;
  }

  it("holds up no first deploy of the same name, and leaves nothing", async () => {
    await stuckDeploy("one");
    isAlive = false;
    const { version } = await deployInTime("two");
    assert.equal(servingOf(cluster.platform, "hello")?.version, version);
    const left = cluster.server.list("deployments").map(({ metadata }) => metadata.name);
    assert.deepEqual(left, [`hello.v${version}`]);
    assert.equal(cluster.server.list("configmaps").length, 2);
    await eventually("the turn has ended", () => annotation("since") === undefined);
    assert.deepEqual([annotation("by"), annotation("renewed")], [undefined, undefined]);
  });

  it("holds up no redeploy, whose version has a number that the dead one cannot have chosen", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await eventually("the turn has ended", () => annotation("since") === undefined);
    await stuckDeploy("two");
    isAlive = false;
    const { version } = await deployInTime("three");
    assert.equal(version, 3);
    assert.equal(instancesOf(cluster.platform, "hello").length, 1);
    assert.deepEqual(
      resource()?.status?.versions?.map((kept) => kept.version),
      [1, 3],
    );
    assert.match(cluster.lines.join("\n"), /hello: took over from a deploy whose manager has died/);
  });

  it("completes a route that was written before its manager died", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await eventually("the turn has ended", () => annotation("since") === undefined);
    const deploying = publish(other, draftOf("hello", "two"));
    await eventually("it is routed", () => resource()?.spec.version === 2);
    isAlive = false;
    await deploying.catch(() => {});
    const { version } = await deployInTime("three");
    await eventually("it is reported", () => resource()?.status?.version === version);
  });

  it("is its own as long as it renews the mark, however long its deploy takes", async () => {
    const { done } = await stuckDeploy("one");
    await eventually("it has renewed its mark", () => Number(annotation("renewed")) >= 4);
    const next = publish(cluster.platform, draftOf("hello", "two"));
    await eventually("it has renewed its mark", () => Number(annotation("renewed")) >= 8);
    assert.doesNotMatch(cluster.lines.join("\n"), /took over/);
    cluster.makesPods = true;
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 2);
    assert.deepEqual([((await done) as { version: number }).version, (await next).version], [1, 2]);
  }).timeout(60_000);

  it("is lost for one that only seemed dead: its deploy fails, and changes nothing more", async () => {
    await publish(cluster.platform, draftOf("hello", "one"));
    await eventually("the turn has ended", () => annotation("since") === undefined);
    const { done } = await stuckDeploy("two");
    isAlive = false;
    const { version } = await deployInTime("three");
    isAlive = true;
    await assert.rejects(done, { code: "platform_unavailable", detail: /another one changes "hello" now/ });
    await eventually("the turn has ended", () => annotation("since") === undefined);
    assert.equal(servingOf(cluster.platform, "hello")?.version, version);
    assert.equal((await publish(cluster.platform, draftOf("hello", "four"))).version, version + 1);
  });
});

describe("the watch of a mark", () => {
  const marked = (by: string | undefined, renewed = "0") => {
    const annotations = by === undefined ? {} : { "skiff.dev/publishing-by": by };
    return {
      metadata: { name: "f", annotations: { ...annotations, "skiff.dev/publishing-renewed": renewed } },
    };
  };

  it("counts from the last change that it has seen, by its own clock", () => {
    const watch = new MarkWatch();
    const at = (by: string | undefined, renewed: string, nowMs: number) =>
      watch.unrenewedMs({ ...marked(by, renewed), spec: {} }, nowMs);
    assert.deepEqual([at("a", "0", 1_000), at("a", "0", 3_500)], [0, 2_500]);
    assert.deepEqual([at("a", "1", 4_000), at("a", "1", 5_000)], [0, 1_000]);
    assert.deepEqual([at("b", "1", 6_000), at("b", "1", 6_100)], [0, 100]);
  });

  it("counts nothing for a mark of an older Skiff, which renews none", () => {
    const watch = new MarkWatch();
    const old = { ...marked(undefined), spec: {} };
    assert.deepEqual([watch.unrenewedMs(old, 1_000), watch.unrenewedMs(old, 90_000)], [0, 0]);
  });
});
