import assert from "node:assert/strict";
import { CLAIM_MS, isAbandoned, PoolKeeper } from "../../../../platform/kubernetes/pool/pool-keeper.ts";
import { poolKeys } from "../../../../platform/kubernetes/pool/pool-keys.ts";
import type { Pod } from "../../../../platform/kubernetes/resources.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeCluster, QUICK } from "../../../support/fake-cluster.ts";

const podOf = (state: string, claimedAt?: number): Pod => ({
  metadata: {
    name: state,
    labels: {
      "skiff.dev/pool": state,
      ...(claimedAt === undefined ? {} : { "skiff.dev/claimed-at": String(claimedAt) }),
    },
  },
});

describe("who keeps the pool", () => {
  let cluster: FakeCluster;
  let keeper: PoolKeeper | undefined;

  function open(size: number): void {
    keeper = new PoolKeeper({
      api: cluster.api,
      namespace: "skiff-functions",
      limits: limitsFromEnv({}),
      image: "client",
      cpuRequest: "50m",
      size,
      keys: poolKeys("secret"),
      print: (line) => cluster.lines.push(line),
      times: QUICK,
      everyMs: 10,
    });
  }
  const deployment = () => cluster.server.read("deployments", "skiff-pool");

  beforeEach(async () => {
    cluster = await FakeCluster.start();
  });
  afterEach(async () => {
    await keeper?.close();
    await cluster.close();
  });

  it("makes its Deployment, and the keys of its pods before that", async () => {
    open(3);
    await eventually("it is there", () => deployment() !== undefined);
    const written = cluster.server.requests.filter((request) => request.startsWith("PATCH"));
    assert.match(written[0]!, /secrets\/skiff-pool$/);
    assert.equal((deployment() as unknown as { spec: { replicas: number } }).spec.replicas, 3);
  });

  it("removes its Deployment where no pool is wanted", async () => {
    open(1);
    await eventually("it is there", () => deployment() !== undefined);
    await keeper!.close();
    open(0);
    await eventually("it is gone", () => deployment() === undefined);
  });

  it("deletes pods that were claimed and went nowhere, and no others", async () => {
    const nowS = Math.floor(Date.now() / 1_000);
    const kept = [podOf("free"), podOf("adopted"), podOf("claimed", nowS)];
    const old = { ...podOf("claimed", nowS - CLAIM_MS / 1_000 - 1) };
    for (const pod of [...kept, podOf("spent", nowS), { metadata: { ...old.metadata, name: "old" } }]) {
      cluster.server.put("pods", pod);
    }
    open(1);
    const names = () => cluster.server.list<Pod>("pods").map(({ metadata }) => metadata.name);
    await eventually("two are gone", () => names().length === 3);
    assert.deepEqual(names().sort(), ["adopted", "claimed", "free"]);
  });

  it("takes a claim for abandoned when nobody can be at work on it any more", () => {
    const now = new Date("2030-01-01T00:02:00Z");
    const atS = now.getTime() / 1_000;
    assert.equal(isAbandoned(podOf("claimed", atS - 59), now), false);
    assert.equal(isAbandoned(podOf("claimed", atS - 61), now), true);
    assert.equal(isAbandoned(podOf("claimed"), now), true, "a claim says when");
    assert.equal(isAbandoned(podOf("spent", atS), now), true);
    for (const state of ["free", "adopted"]) assert.equal(isAbandoned(podOf(state), now), false);
  });
});
