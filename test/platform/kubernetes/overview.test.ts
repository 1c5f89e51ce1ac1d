import assert from "node:assert/strict";
import { Overview } from "../../../platform/kubernetes/descriptions/overview.ts";
import { eventually } from "../../support/eventually.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FakeCluster, QUICK } from "../../support/platform/fake-cluster.ts";

describe("a page of all functions of a cluster", () => {
  let cluster: FakeCluster;
  before(async () => {
    cluster = await FakeCluster.start();
    for (const name of ["a", "b", "c"])
      await publish(cluster.platform, draftOf(name, `export default ${name}`));
  });
  after(() => cluster.close());

  const page = (more = {}) => cluster.platform.describePage({ limit: 10, ...more });
  const names = async (more = {}) => (await page(more)).map(({ name }) => name);

  it("says what the description of each function says", async () => {
    const described = await Promise.all(["a", "b", "c"].map((name) => cluster.platform.describe(name)));
    await eventually("every instance is ready", async () => (await page()).every(({ ready }) => ready === 1));
    assert.deepEqual(await page(), described);
  });

  it("is read again and again without a request", async () => {
    await page();
    const before = cluster.server.requests.length;
    for (let read = 0; read < 20; read++) assert.equal((await page()).length, 3);
    assert.deepEqual(cluster.server.requests.slice(before), []);
  });

  it("follows deploys, starts and removals", async () => {
    await publish(cluster.platform, draftOf("d", "export default 1"));
    await eventually("the new one is there", async () => (await names()).includes("d"));
    await publish(cluster.platform, draftOf("d", "export default 2"));
    await eventually("its version is there", async () => (await page()).at(-1)?.version === 2);
    await cluster.platform.remove("d");
    await eventually("it is gone", async () => !(await names()).includes("d"));
  });

  it("begins behind a name, ends at its limit, and has no others than those asked for", async () => {
    assert.deepEqual(await names({ limit: 2 }), ["a", "b"]);
    assert.deepEqual(await names({ after: "a", limit: 1 }), ["b"]);
    assert.deepEqual(await names({ names: ["c", "gone", "a"] }), ["a", "c"]);
  });

  it("is read from the API server while a watch is broken, so that its failures are seen", async () => {
    await page();
    await cluster.server.down();
    await eventually("the outage is seen", () =>
      page().then(
        () => false,
        ({ code }: { code?: string }) => code === "platform_unavailable",
      ),
    );
    await cluster.server.up();
    await eventually("it is there again", () =>
      names().then(
        ({ length }) => length === 3,
        () => false,
      ),
    );
  });

  it("also has a function whose code is lost, as the list has it", async () => {
    const maps = cluster.server.list("configmaps").map(({ metadata }) => metadata);
    for (const { name, labels } of maps)
      if (labels?.["skiff.dev/function"] === "b") cluster.server.remove("configmaps", name);
    await eventually("its loss is seen", async () => !("settings" in (await page())[1]!));
    assert.deepEqual((await page())[1], (await cluster.platform.list({ limit: 10 }))[1]);
    assert.deepEqual(await names({ limit: 2 }), ["a", "b"]);
  });

  it("stops watching when nobody reads it any more", async () => {
    const { api, platform, server } = cluster;
    const shared = { api, namespace: "skiff-functions", endpoints: platform.mirror, times: QUICK };
    const overview = new Overview({ ...shared, combine: () => undefined, idleMs: 1_000 });
    const before = server.openWatches;
    assert.deepEqual(await overview.describePage({ limit: 1 }), []);
    await eventually("it watches", () => server.openWatches === before + 3);
    await eventually("it stops", () => server.openWatches === before);
    assert.deepEqual(await overview.describePage({ limit: 1 }), []);
    await overview.close();
    assert.equal(await overview.describePage({ limit: 1 }), undefined);
  });
});
