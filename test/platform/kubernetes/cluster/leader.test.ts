import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { KubeApi } from "../../../../platform/kubernetes/cluster/api.ts";
import { Leader } from "../../../../platform/kubernetes/cluster/leader.ts";
import { KINDS, type Lease } from "../../../../platform/kubernetes/cluster/resources.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/platform/fake-api-server.ts";

const TIMES = { leaseMs: 400, renewEveryMs: 30 };

describe("the election of a leader", () => {
  let server: FakeApiServer;
  let apis: KubeApi[];
  let leaders: Leader[];
  let leading: string[];
  let most: number;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    [apis, leaders, leading, most] = [[], [], [], 0];
  });
  afterEach(async () => {
    await Promise.all(leaders.map((leader) => leader.close()));
    await Promise.all(apis.map((api) => api.close()));
    await server.down();
  });

  function candidate(identity: string): Leader {
    const api = new KubeApi(server.connection());
    const place = { kind: KINDS.leases, namespace: "skiff", name: "skiff-manager" };
    const lead = async (signal: AbortSignal) => {
      leading.push(identity);
      most = Math.max(most, leading.length);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      leading = leading.filter((each) => each !== identity);
    };
    const leader = new Leader({ api, place, identity, lead, print: () => {}, times: TIMES });
    apis.push(api);
    leaders.push(leader);
    return leader;
  }
  const holder = () => server.read<Lease>("leases", "skiff-manager")?.spec?.holderIdentity;

  it("has one winner among several", async () => {
    for (const identity of ["a", "b", "c"]) candidate(identity);
    await eventually("one leads", () => leading.length === 1);
    const renewals = () => server.requests.filter((each) => each.startsWith("PUT ")).length;
    const before = renewals();
    await eventually("it renews", () => renewals() >= before + 5);
    assert.deepEqual([leading, most], [[holder()], 1]);
  });

  it("goes to another at once when the leader closes", async () => {
    const first = candidate("a");
    await eventually("a leads", () => first.isLeading);
    candidate("b");
    await first.close();
    assert.equal(holder(), "");
    await eventually("b leads", () => leading.join() === "b");
  });

  it("goes to another when the leader is silent for as long as its lease", async () => {
    const lease = { holderIdentity: "dead", leaseDurationSeconds: 0.2, renewTime: new Date().toISOString() };
    server.put("leases", { metadata: { name: "skiff-manager" }, spec: lease });
    const leader = candidate("b");
    await eventually("b leads", () => leader.isLeading);
    assert.equal(server.read<Lease>("leases", "skiff-manager")?.spec?.leaseTransitions, 1);
  });

  it("ends for a leader that cannot renew, before another could begin", async () => {
    const leader = candidate("a");
    await eventually("a leads", () => leader.isLeading);
    // A timer of the same program: on a busy machine both are late.
    const left = pause(TIMES.leaseMs + 2 * TIMES.renewEveryMs).then(() => leading.length);
    await server.down();
    assert.equal(await left, 0, "it has stepped down");
    await server.up();
    await eventually("a leads again", () => leader.isLeading);
  });
});
