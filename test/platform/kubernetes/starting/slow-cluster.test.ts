import assert from "node:assert/strict";
import type { Deployment, Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { Problem } from "../../../../platform/problems.ts";
import { eventually } from "../../../support/eventually.ts";
import { instancesOf, publish, servingOf, wake } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { crashed, FakeCluster, type StartPod } from "../../../support/platform/fake-cluster.ts";

const READY = [{ type: "Ready", status: "True" }];
const RUNNING = [{ name: "function", state: { running: {} } }];

describe("a version that the cluster does not start", () => {
  let cluster: FakeCluster | undefined;
  const draft = (text: string) => draftOf("hello", `export default () => "${text}";`);
  const limits = limitsFromEnv({ SKIFF_START_TIMEOUT: "300ms", SKIFF_INSTANCE_WAIT: "600ms" });

  afterEach(() => cluster?.close());

  /** Version 1 serves; pods of the next one get this status. */
  async function serving(status: (pod: Pod) => Pod["status"]): Promise<FakeCluster> {
    const startPod: StartPod = (_, pod, report) => {
      const isFirst = pod.metadata.labels?.["skiff.dev/version"] === "1";
      report(isFirst ? { podIP: "127.0.0.1", conditions: READY } : status(pod));
      return () => {};
    };
    cluster = await FakeCluster.start(startPod);
    await publish(cluster.platform, draft("one"));
    return cluster;
  }

  async function deployNext(started: FakeCluster): Promise<unknown> {
    const manager = started.open({ limits });
    await manager.synced;
    try {
      return await publish(manager, draft("two")).catch((error: unknown) => error);
    } finally {
      await manager.close();
    }
  }

  const scheduling = (message: string) => [{ type: "PodScheduled", status: "False", message }];
  const waiting = (reason: string, message: string) => [
    { name: "function", state: { waiting: { reason, message } } },
  ];
  const causes: [string, Pod["status"], RegExp][] = [
    ["no node has room", { conditions: scheduling("0/3 nodes: Insufficient cpu") }, /Insufficient cpu/],
    [
      "its image cannot be pulled",
      { containerStatuses: waiting("ErrImagePull", "no such host") },
      /no such host/,
    ],
    ["its container is not started", { podIP: "127.0.0.1" }, /has started no container/],
    [
      "the runtime of the node fails",
      {
        containerStatuses: [
          { name: "function", state: { terminated: { reason: "StartError", exitCode: 128 } } },
        ],
      },
      /cannot be started: StartError/,
    ],
    [
      "its pod is evicted",
      {
        phase: "Failed",
        conditions: [
          { type: "Ready", status: "False" },
          { type: "DisruptionTarget", status: "True", message: "low on memory" },
        ],
      },
      /low on memory/,
    ],
  ];
  for (const [why, status, reason] of causes) {
    it(`is refused with 503 and the reason where ${why}; nothing changes`, async () => {
      const started = await serving(() => status);
      const error = await deployNext(started);
      assert.ok(error instanceof Problem, String(error));
      assert.deepEqual([error.code, error.status], ["no_capacity", 503]);
      assert.match(error.message, reason);
      assert.match(error.message, /Nothing was changed; try again in 5 s/);
      assert.equal(servingOf(started.platform, "hello")?.version, 1);
      assert.equal(started.server.list("configmaps").length, 2);
    });
  }

  it("is refused with 503 where no pod can be made, and with the words of the quota where there is one", async () => {
    const started = await serving(() => undefined);
    started.makesPods = false;
    assert.match(String(await deployNext(started)), /no_capacity: .*has started no container for it/);
    const message = 'pods "hello" is forbidden: exceeded quota: small';
    const conditions = [{ type: "ReplicaFailure", status: "True", message }];
    const follow = started.server.onChange;
    started.server.onChange = (change) => {
      follow(change);
      const { collection, object, isDeleted } = change;
      const isNext = collection === "deployments" && object.metadata.name === "hello.v2" && !isDeleted;
      const isTold = (object as Deployment).status?.conditions !== undefined;
      if (isNext && !isTold) started.server.put(collection, { ...object, status: { conditions } });
    };
    assert.match(String(await deployNext(started)), /no_capacity: .*exceeded quota: small/);
  });

  it("is refused with 422 where its container runs and does not serve within its own time", async () => {
    const started = await serving(() => ({ podIP: "127.0.0.2", containerStatuses: RUNNING }));
    const error = await deployNext(started);
    assert.ok(error instanceof Problem, String(error));
    assert.deepEqual([error.code, error.status], ["start_failed", 422]);
    assert.match(error.message, /0\.3 s \(limit SKIFF_START_TIMEOUT\)/);
  });

  it("has its own time from the start of its container, however late that is", async () => {
    const started = await serving(({ metadata: { name } }: Pod) => {
      const put = (status: object) => {
        const pod = started.server.read<Pod>("pods", name);
        if (pod) started.server.put("pods", { ...pod, status });
      };
      setTimeout(() => put({ podIP: "127.0.0.2", containerStatuses: RUNNING }), 500);
      setTimeout(() => put({ podIP: "127.0.0.1", containerStatuses: RUNNING, conditions: READY }), 700);
      return {};
    });
    assert.partialDeepStrictEqual(await deployNext(started), { version: 2 });
  });
});

describe("a cluster whose API server is away", () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = await FakeCluster.start();
    await publish(cluster.platform, draftOf("hello", "one"));
    await cluster.platform.children.scale({ name: "hello", version: 1 }, 0);
    await eventually("it sleeps", () => instancesOf(cluster.platform, "hello").length === 0);
  });
  afterEach(() => cluster.close());

  it("lets a call of a sleeping function wait until it is back", async () => {
    const router = cluster.open({ limits: limitsFromEnv({ SKIFF_INSTANCE_WAIT: "20s" }) });
    await router.synced;
    try {
      await cluster.server.down();
      const woken = wake(router, "hello");
      let isOver = false;
      void woken.finally(() => {
        isOver = true;
      });
      await eventually("the cluster is seen to be away", () =>
        cluster.lines.join().includes("cannot be watched"),
      );
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      assert.equal(isOver, false);
      await cluster.server.up();
      const startedMs = performance.now();
      await woken;
      assert.ok(performance.now() - startedMs < 20_000);
    } finally {
      await router.close();
    }
  });

  it("lets it wait for a pod of the pool, because nodes find the API server later", async () => {
    cluster.makesPods = false;
    cluster.putFreePod("free-1");
    const limits = limitsFromEnv({ SKIFF_INSTANCE_WAIT: "20s" });
    const router = cluster.open({ limits, poolSecret: "a secret", sendToPod: async () => {} });
    await router.synced;
    try {
      await eventually("the pool is seen", () => router.pool!.free === 1);
      await cluster.server.down();
      const woken = wake(router, "hello");
      await eventually("the claim has failed", () => router.pool!.outcomes.failed === 1);
      await cluster.server.up();
      await woken;
      assert.equal(router.pool!.outcomes.claimed, 1);
    } finally {
      await router.close();
    }
  });

  it("refuses that call with the reason at the end of its wait", async () => {
    await cluster.server.down();
    await assert.rejects(wake(cluster.platform, "hello"), {
      code: "platform_unavailable",
      detail: /API server does not answer/,
    });
    await cluster.server.up();
  });

  it("deploys again soon after it is back", async () => {
    await cluster.server.down();
    for (let i = 0; i < 3; i++) {
      await assert.rejects(publish(cluster.platform, draftOf("hello", `away ${i}`)), { status: 503 });
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await cluster.server.up();
    const startedMs = performance.now();
    assert.equal((await publish(cluster.platform, draftOf("hello", "back"))).version, 2);
    assert.ok(performance.now() - startedMs < 20_000);
  });
});

describe("a version whose instance crashes", () => {
  it("waits for the container that is started again, and is refused when that crashes as well", async () => {
    const cluster = await FakeCluster.start();
    try {
      await publish(cluster.platform, draftOf("hello", "one"));
      const [pod] = cluster.server.list<Pod>("pods");
      const put = (status: object) =>
        cluster.server.put("pods", { ...pod, status: { podIP: "127.0.0.2", ...status } });
      const { containerStatuses: [once] = [] } = crashed("Killed");
      put({ containerStatuses: [{ ...once, restartCount: 0 }] });
      await eventually("it has no instance", () => instancesOf(cluster.platform, "hello").length === 0);
      const scalings = () => cluster.server.requests.filter((each) => each.endsWith("/scale")).length;
      const before = scalings();
      const woken = wake(cluster.platform, "hello");
      await eventually("it is scaled", () => scalings() > before);
      put({
        containerStatuses: [
          { name: "function", restartCount: 1, state: { running: {} }, lastState: once!.state },
        ],
      });
      put({
        podIP: "127.0.0.1",
        conditions: READY,
        containerStatuses: [{ name: "function", restartCount: 1, state: { running: {} } }],
      });
      await woken;
      put({ containerStatuses: [{ ...once, restartCount: 1 }] });
      await eventually("it has no instance", () => instancesOf(cluster.platform, "hello").length === 0);
      const again = assert.rejects(wake(cluster.platform, "hello"), {
        code: "no_capacity",
        detail: /Killed/,
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      const waiting = { reason: "CrashLoopBackOff" };
      put({
        containerStatuses: [
          { name: "function", restartCount: 2, state: { waiting }, lastState: once!.state },
        ],
      });
      await again;
    } finally {
      await cluster.close();
    }
  });
});
