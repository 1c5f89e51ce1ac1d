import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/instances/call-instance.ts";
import { publish, servingOf } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { ClusterPlatform } from "./cluster-platform.ts";
import { kubectl } from "./kubectl.ts";

const ANSWERED_MS = 500;
const answering = (text: string) => `export default () => ${JSON.stringify(text)};`;

describe("the removal of a function on the cluster", () => {
  let cluster: ClusterPlatform;

  before(async () => {
    cluster = await ClusterPlatform.open();
  });
  after(() => cluster.close());

  const left = async (name: string) => {
    const kinds = "functions,deployments,replicasets,services,hpa,netpol,configmaps,endpointslices,pods";
    const path = "jsonpath={range .items[*]}{.kind}/{.metadata.name} {end}";
    const found = await kubectl("get", kinds, "-n", cluster.namespace, "-o", path);
    return found.split(" ").filter((each) => each.split("/")[1]?.startsWith(name));
  };
  const nothingIsLeft = (name: string) =>
    eventually(`nothing of ${name} is left`, async () => (await left(name)).length === 0, 60_000);

  it("is done within half a second; its objects follow, and the name is free at once", async () => {
    for (const text of ["first", "second", "third"]) {
      const { created } = await publish(cluster.platform, draftOf("again", answering(text), { min: 1 }));
      assert.equal(created, true);
      const [{ address } = assert.fail()] = servingOf(cluster.platform, "again")!.instances;
      assert.equal((await call(address)).text, text);
      const startedMs = performance.now();
      assert.equal(await cluster.platform.remove("again"), true);
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs < ANSWERED_MS, `it took ${tookMs} ms`);
      assert.equal(cluster.platform.endpoints("again"), undefined);
    }
    await nothingIsLeft("again");
  });

  it("is completed by the cluster when its manager dies right after it", async () => {
    await publish(cluster.platform, draftOf("orphan", answering("orphan"), { min: 1 }));
    const other = await cluster.another();
    await other.remove("orphan");
    await other.close();
    await nothingIsLeft("orphan");
  });
});
