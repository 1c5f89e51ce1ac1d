import assert from "node:assert/strict";
import type { Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { PoolKeeper } from "../../../../platform/kubernetes/pool/pool-keeper.ts";
import { poolKeys } from "../../../../platform/kubernetes/pool/pool-keys.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeCluster, QUICK } from "../../../support/platform/fake-cluster.ts";

const podOf = (state: string): Pod => ({
  metadata: { name: state, uid: `uid-${state}`, labels: { "skiff.dev/pool": state } },
});

describe("who keeps the pool", () => {
  let cluster: FakeCluster;
  let keeper: PoolKeeper | undefined;

  function open(size: number, claimMs?: number, keylessMs?: number): void {
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
      ...(claimMs === undefined ? {} : { claimMs }),
      ...(keylessMs === undefined ? {} : { keylessMs }),
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
    assert.match(written[0]!, /secrets\/skiff-pool-seed$/);
    assert.equal((deployment() as unknown as { spec: { replicas: number } }).spec.replicas, 3);
  });

  it("makes its Deployment anew where it has a selector of before, which cannot be changed", async () => {
    const selector = { matchLabels: { "skiff.dev/pool": "free" } };
    cluster.server.put("deployments", { metadata: { name: "skiff-pool" }, spec: { selector } });
    const before = deployment()!.metadata.uid;
    open(1);
    await eventually("it is another one", () => ![before, undefined].includes(deployment()?.metadata.uid));
    const { spec } = deployment() as unknown as { spec: { selector: object } };
    assert.deepEqual(spec.selector, { matchLabels: { app: "skiff-pool" } });
  });

  it("removes its Deployment where no pool is wanted", async () => {
    open(1);
    await eventually("it is there", () => deployment() !== undefined);
    await keeper!.close();
    open(0);
    await eventually("it is gone", () => deployment() === undefined);
  });

  it("deletes pods that were claimed and went nowhere, and no others", async () => {
    for (const state of ["free", "adopted", "claimed", "spent"]) cluster.server.put("pods", podOf(state));
    const names = () => cluster.server.list<Pod>("pods").map(({ metadata }) => metadata.name);
    open(1);
    await eventually("what was given up is gone", () => names().length === 3);
    assert.deepEqual(names().sort(), ["adopted", "claimed", "free"]);
    await keeper!.close();
    open(1, 50);
    await eventually("what was claimed is gone as well", () => names().length === 2);
    assert.deepEqual(names().sort(), ["adopted", "free"]);
  });

  it("deletes free pods whose container was started again, which have no key any more", async () => {
    const status = (ready: "True" | "False", restartCount: number) => ({
      conditions: [{ type: "Ready", status: ready }],
      containerStatuses: [{ name: "function", restartCount }],
    });
    for (const [name, state] of Object.entries({
      ready: status("True", 0),
      starting: status("False", 0),
      keyless: status("False", 1),
    })) {
      const { metadata } = podOf("free");
      cluster.server.put("pods", { metadata: { ...metadata, name, uid: name }, status: state });
    }
    open(1, undefined, 50);
    const names = () => cluster.server.list<Pod>("pods").map(({ metadata }) => metadata.name);
    await eventually("it is gone", () => !names().includes("keyless"));
    assert.deepEqual(names().sort(), ["ready", "starting"]);
    assert.match(cluster.lines.join(), /deleted the pod keyless of the pool: .* its key is gone/);
  });

  it("deletes what was given up also while the pool cannot be made as it should be", async () => {
    const matches = (method: string, path: string) => method === "PATCH" && path.endsWith("/skiff-pool");
    cluster.server.fail(...Array.from({ length: 1_000 }, () => ({ status: 422, matches })));
    cluster.server.put("pods", podOf("spent"));
    open(1);
    await eventually("it is gone", () => cluster.server.list("pods").length === 0);
    assert.equal(deployment(), undefined);
  });
});
