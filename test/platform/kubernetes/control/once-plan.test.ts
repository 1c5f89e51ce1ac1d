import assert from "node:assert/strict";
import type { Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { type OnceInput, onceLoadOf, planOnce } from "../../../../platform/kubernetes/control/once-plan.ts";
import { LoadTable } from "../../../../platform/kubernetes/endpoints/load-table.ts";

const at = (second: number) => new Date(1_000 * second).toISOString();
const NOW_S = 1_000;

interface State {
  readonly isReady?: boolean;
  /** When that began. */
  readonly since?: number;
  readonly startedAt?: number;
  readonly restartCount?: number;
  readonly isSpent?: boolean;
  readonly isTerminating?: boolean;
}

function pod(uid: string, { isReady = true, since = 12, startedAt = 10, ...state }: State = {}): Pod {
  const status = isReady ? "True" : "False";
  return {
    metadata: {
      name: uid,
      uid,
      labels: state.isSpent ? { "skiff.dev/spent": "true" } : {},
      ...(state.isTerminating ? { deletionTimestamp: at(1) } : {}),
    },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status, lastTransitionTime: at(since) }],
      containerStatuses: [
        {
          name: "function",
          restartCount: state.restartCount ?? 0,
          state: { running: { startedAt: at(startedAt) } },
        },
      ],
    },
  };
}

function plan(input: Partial<OnceInput>) {
  const { detach, remove, replicas } = planOnce({
    pods: [],
    load: { waiting: 0, busy: [], used: [] },
    settings: { min: 0, max: 10, pool: 2 },
    replicas: 2,
    overdueMs: 30_000,
    nowMs: 1_000 * NOW_S,
    ...input,
  });
  const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name).join(" ");
  return [names(detach), names(remove), replicas];
}

const NOTHING = ["", "", undefined];
const load = (busy: string[], waiting = 0, used = busy) => ({ waiting, busy, used });

describe("the pods of a version whose instances take one call each", () => {
  it("stay as they are while they are unused and as many as the pool", () => {
    assert.deepEqual(
      plan({ pods: [pod("a"), pod("b", { isReady: false, since: 9, startedAt: NOW_S - 5 })] }),
      NOTHING,
    );
  });

  it("leave their ReplicaSet once they have a call, had one, started again, or are not ready any more", () => {
    const pods = [
      pod("busy"),
      pod("used"),
      pod("restarted", { restartCount: 1 }),
      pod("refusing", { isReady: false, since: 20, startedAt: 10 }),
      pod("overdue", { isReady: false, since: 9, startedAt: 10 }),
      pod("gone", { isTerminating: true }),
      pod("left", { isSpent: true }),
      pod("unused"),
    ];
    const [detach] = plan({ pods, load: load(["busy", "left", "gone"], 0, ["used"]) });
    assert.equal(detach, "busy used restarted refusing overdue");
  });

  it("are deleted when they have left and have no call", () => {
    const pods = [pod("busy", { isSpent: true }), pod("idle", { isSpent: true }), pod("new")];
    assert.equal(plan({ pods, load: load(["busy"]) })[1], "idle");
  });

  it("are as many as calls wait and the pool has, within max and min, besides those with calls", () => {
    const replicas = (input: Partial<OnceInput>) => plan(input)[2];
    assert.equal(replicas({ load: load([], 3) }), 5);
    assert.equal(replicas({ load: load(["a", "b"], 30) }), 8);
    assert.equal(replicas({ load: load(["a", "b", "c"]), settings: { min: 0, max: 4, pool: 2 } }), 1);
    assert.equal(replicas({ settings: { min: 5, max: 10, pool: 2 } }), 5);
    assert.equal(replicas({ load: load(["a", "b"]), settings: { min: 5, max: 10, pool: 2 } }), 3);
    assert.equal(replicas({ settings: { min: 0, max: 10, pool: 0 } }), 0);
    // It sleeps until a call wakes it.
    assert.equal(replicas({ replicas: 0 }), undefined);
    assert.equal(replicas({ replicas: 0, load: load([], 1) }), 3);
  });

  it("are counted over all routers, and remembered when their call has ended", () => {
    let nowMs = 0;
    const tables = [new LoadTable(() => nowMs), new LoadTable(() => nowMs)];
    const report = (table: number, ids: string[], waiting = 0) => {
      const calls = new Map(ids.map((id) => [id, { calls: 1, streams: 0 }]));
      const counts = { inFlight: ids.length, waiting, byInstance: () => calls };
      tables[table]!.report({ name: "f", version: 3, ...counts }, true);
    };
    const read = () =>
      onceLoadOf(
        "f",
        3,
        tables.map((table) => table.read()),
      );
    report(0, ["a"], 1);
    report(1, ["b"], 2);
    assert.deepEqual(read(), { waiting: 3, busy: ["a", "b"], used: ["a", "b"] });
    report(0, []);
    assert.deepEqual(read(), { waiting: 2, busy: ["b"], used: ["a", "b"] });
    nowMs += 6 * 60_000;
    assert.deepEqual(read().used, []);
    tables[1]!.retain("f", []);
    assert.deepEqual(read(), { waiting: 0, busy: [], used: [] });
  });
});
