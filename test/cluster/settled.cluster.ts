import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { publish } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { ClusterPlatform } from "./cluster-platform.ts";
import { kubectl } from "./kubectl.ts";

const NAMES = ["one", "three", "two"];
const QUIET_MS = 2_000;

describe("a settled installation on the cluster", () => {
  let cluster: ClusterPlatform;

  before(async () => {
    cluster = await ClusterPlatform.open();
    for (const name of NAMES) {
      const permissions = { net: name === "two" ? ["10.1.2.3"] : [], sys: [] };
      await publish(cluster.platform, draftOf(name, "export default () => 1;", { permissions, min: 1 }));
    }
  });
  after(() => cluster.close());

  const get = (kinds: string, path: string) =>
    kubectl("get", kinds, "-n", cluster.namespace, "-o", `jsonpath={range .items[*]}${path} {end}`);
  const objects = () =>
    get("deployments,services,hpa,netpol,configmaps", "{.kind}/{.metadata.name}/{.metadata.generation}");
  const quiet = (what: string) => {
    let [count, sinceMs] = [cluster.writes.length, performance.now()];
    return eventually(
      what,
      () => {
        if (cluster.writes.length !== count) [count, sinceMs] = [cluster.writes.length, performance.now()];
        return performance.now() - sinceMs > QUIET_MS;
      },
      60_000,
    );
  };

  it("is not written to by a leader that lists everything again, twice", async () => {
    const reason = "{.status.conditions[?(@.type=='Progressing')].reason}";
    const isSettled = async () => (await get("functions", reason)) === NAMES.map(() => "Settled").join(" ");
    await eventually("every deploy has ended", isSettled, 60_000);
    await quiet("nothing is written");
    const before = await objects();
    for (const round of ["first", "second"]) {
      cluster.writes.length = 0;
      await cluster.replaceLeader();
      await quiet("the new leader has looked");
      await kubectl("label", "functions", "--all", "-n", cluster.namespace, `round=${round}`, "--overwrite");
      await quiet("it has looked again");
      assert.deepEqual(cluster.writes, []);
    }
    assert.equal(await objects(), before);
  });
});
