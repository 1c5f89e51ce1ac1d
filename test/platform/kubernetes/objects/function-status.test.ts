import assert from "node:assert/strict";
import type { KeptVersion, Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { functionStatus, type StatusInput } from "../../../../platform/kubernetes/objects/function-status.ts";
import { troubleOf } from "../../../../platform/kubernetes/objects/pod-state.ts";

const NOW = new Date("2030-01-02T03:04:05.678Z");
const pod = (status: object, metadata: object = {}): Pod => ({
  metadata: { name: "p", ...metadata },
  status,
});
const container = (state: object, more: object = {}) =>
  pod({ containerStatuses: [{ name: "function", state, ...more }] });
const READY = pod({ conditions: [{ type: "Ready", status: "True" }] });
const PULL = container({ waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "x"' } });
const CRASH = container(
  { waiting: { reason: "CrashLoopBackOff" } },
  {
    lastState: {
      terminated: { exitCode: 1, message: "a\nlast words\n", finishedAt: "2030-01-01T00:00:00Z" },
    },
  },
);

function input(more: Partial<StatusInput> = {}): StatusInput {
  return {
    resource: { metadata: { name: "f", generation: 4 }, spec: { version: 2 }, status: { version: 2 } },
    deployments: [{ metadata: { name: "f.v2" }, spec: { replicas: 1 } }],
    pods: [READY],
    publishing: false,
    url: "/fn/f",
    ...more,
  };
}
const ready = (more?: Partial<StatusInput>) => {
  const { status, reason, message } = functionStatus(input(more), NOW).conditions!.find(
    ({ type }) => type === "Ready",
  )!;
  return { status, reason, message };
};

describe("the status of a Function", () => {
  it("is ready while a pod is, with what people want to see", () => {
    const status = functionStatus(input(), NOW);
    assert.deepEqual([status.instances, status.url, status.observedGeneration], [1, "/fn/f", 4]);
    assert.deepEqual(ready(), { status: "True", reason: "Serving", message: "1 ready" });
  });

  it("leaves the versions to those who deploy them", () => {
    assert.deepEqual(
      Object.keys(functionStatus(input(), NOW)).filter((key) => /version/.test(key)),
      [],
    );
  });

  it("is ready while every version that takes calls sleeps", () => {
    const deployment = (replicas: number) => ({ metadata: { name: "f.v2" }, spec: { replicas } });
    const reason = (...replicas: number[]) => {
      return ready({ pods: [], deployments: replicas.map(deployment) }).reason;
    };
    assert.deepEqual([reason(0), reason(0, 0), reason(0, 1)], ["Asleep", "Asleep", "Starting"]);
    assert.equal(ready({ pods: [], deployments: [deployment(0)] }).status, "True");
    assert.equal(ready({ pods: [], deployments: [deployment(1), undefined] }).reason, "Repairing");
  });

  it("is not ready while no version takes calls", () => {
    const resource = { metadata: { name: "f" }, spec: {}, status: {} };
    const version = { version: 1 } as KeptVersion;
    const stored = { ...resource, status: { versions: [version] } };
    assert.equal(ready({ resource, pods: [], deployments: [] }).reason, "Deploying");
    assert.equal(ready({ resource: stored, pods: [], deployments: [] }).reason, "NoTraffic");
  });

  it("says that the image cannot be pulled", () => {
    const { status, reason, message } = ready({ pods: [PULL] });
    assert.deepEqual([status, reason], ["False", "ImageCannotBePulled"]);
    assert.match(message!, /Back-off pulling image/);
  });

  it("says that it crashes, with its last lines", () => {
    const { reason, message } = ready({ pods: [CRASH] });
    assert.equal(reason, "Crashed");
    assert.match(message!, /exit code 1.*last words/s);
    assert.deepEqual(functionStatus(input({ pods: [CRASH] }), NOW).lastErrors, [
      { at: "2030-01-01T00:00:00Z", message: "It ended with exit code 1. Its last lines:\na\nlast words" },
    ]);
  });

  it("says that a quota is used up, or that no node has room", () => {
    const conditions = [
      { type: "ReplicaFailure", status: "True", message: "pods is forbidden: exceeded quota: q" },
    ];
    const deployments = [{ metadata: { name: "f.v2" }, spec: { replicas: 1 }, status: { conditions } }];
    assert.equal(ready({ pods: [], deployments }).reason, "QuotaExceeded");
    const unplaced = pod({
      conditions: [{ type: "PodScheduled", status: "False", message: "Insufficient cpu" }],
    });
    assert.deepEqual(ready({ pods: [unplaced] }), {
      status: "False",
      reason: "Unschedulable",
      message: "No node fits the pod: Insufficient cpu",
    });
  });

  it("keeps the time of a condition until its status changes", () => {
    const first = functionStatus(input(), NOW);
    const resource = { ...input().resource, status: first };
    const later = new Date("2031-01-01T00:00:00Z");
    assert.deepEqual(functionStatus(input({ resource }), later), first);
    const [changed] = functionStatus(input({ resource, pods: [CRASH] }), later).conditions!;
    assert.equal(changed?.lastTransitionTime, "2031-01-01T00:00:00Z");
  });

  it("says why spec is no version, and keeps that among the last errors, once", () => {
    const fault = { reason: "BuildFailed", message: "main.ts:1:1: no" };
    const status = functionStatus(input({ fault }), NOW);
    assert.equal(status.conditions!.find(({ type }) => type === "Built")?.reason, "BuildFailed");
    const resource = { ...input().resource, status };
    assert.deepEqual(functionStatus(input({ fault, resource }), NOW).lastErrors, status.lastErrors);
  });
});

describe("the trouble of a pod", () => {
  it("is none while it starts, is ready, or is on its way out", () => {
    assert.equal(troubleOf(container({ waiting: { reason: "ContainerCreating" } })), undefined);
    assert.equal(troubleOf(READY), undefined);
    assert.equal(
      troubleOf({ ...CRASH, metadata: { name: "p", deletionTimestamp: "2030-01-01T00:00:00Z" } }),
      undefined,
    );
  });

  it("is that it used too much memory when it was killed for that", () => {
    const killed = container({ terminated: { exitCode: 137, reason: "OOMKilled" } });
    assert.deepEqual([troubleOf(killed)?.reason, troubleOf(killed)?.final], ["OutOfMemory", true]);
  });

  it("is over when the container runs again", () => {
    const again = container({ running: {} }, { lastState: { terminated: { exitCode: 1 } } });
    assert.equal(troubleOf(again), undefined);
  });
});
