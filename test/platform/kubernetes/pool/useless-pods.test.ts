import assert from "node:assert/strict";
import type { Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { UselessPods } from "../../../../platform/kubernetes/pool/pool-keeper.ts";

const CLAIM_MS = 60_000;
const KEYLESS_MS = 10_000;
const podOf = (uid: string, state: string): Pod => ({
  metadata: { name: uid, uid, labels: { "skiff.dev/pool": state } },
});

describe("the claims that the leader has seen", () => {
  const pods = [podOf("a", "claimed"), podOf("b", "free"), podOf("c", "adopted")];
  let useless: UselessPods;
  beforeEach(() => {
    useless = new UselessPods({ claimMs: CLAIM_MS, keylessMs: KEYLESS_MS });
  });
  const abandoned = (nowMs: number, now: readonly Pod[] = pods) =>
    useless.among(now, nowMs).map(({ pod }) => pod.metadata.uid);

  it("are abandoned when they are still there after their time, counted from when they were first seen", () => {
    assert.deepEqual(abandoned(1_000_000), []);
    assert.deepEqual(abandoned(1_000_000 + CLAIM_MS), []);
    assert.deepEqual(abandoned(1_000_001 + CLAIM_MS), ["a"]);
  });

  it("are each counted for themselves", () => {
    abandoned(0);
    const two = [...pods, podOf("d", "claimed")];
    assert.deepEqual(abandoned(CLAIM_MS, two), []);
    assert.deepEqual(abandoned(CLAIM_MS + 1, two), ["a"]);
    assert.deepEqual(abandoned(2 * CLAIM_MS + 1, two), ["a", "d"]);
  });

  it("do not get younger by being loaded", () => {
    abandoned(0);
    assert.deepEqual(abandoned(CLAIM_MS + 1, [podOf("a", "loaded")]), ["a"]);
  });

  it("are forgotten with their pods", () => {
    abandoned(0);
    abandoned(1, []);
    assert.deepEqual(abandoned(CLAIM_MS + 1), []);
  });

  it("are abandoned at once when they were given up, unless the pod is going already", () => {
    const going = podOf("going", "spent");
    const leaving = { metadata: { ...going.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" } };
    assert.deepEqual(abandoned(0, [podOf("given-up", "spent"), leaving]), ["given-up"]);
  });
});

describe("the free pods that the leader has seen", () => {
  const freePod = (restartCount: number, status: "True" | "False", name = "function"): Pod => ({
    ...podOf("a", "free"),
    status: { conditions: [{ type: "Ready", status }], containerStatuses: [{ name, restartCount }] },
  });
  const useless = (pod: Pod) => {
    const pods = new UselessPods({ claimMs: CLAIM_MS, keylessMs: KEYLESS_MS });
    return [0, KEYLESS_MS, KEYLESS_MS + 1].map((nowMs) => pods.among([pod], nowMs).map(({ why }) => why));
  };

  it("are useless when their container was started again and is not ready: they have no key any more", () => {
    const [first, then, late] = useless(freePod(1, "False"));
    assert.deepEqual([first, then], [[], []]);
    assert.match(late![0]!, /its key is gone/);
  });

  it("are kept when they are ready, when they start for the first time, and when only the key was made again", () => {
    for (const pod of [
      freePod(1, "True"),
      freePod(0, "False"),
      freePod(3, "False", "key"),
      podOf("a", "free"),
    ]) {
      assert.deepEqual(useless(pod), [[], [], []]);
    }
  });
});
