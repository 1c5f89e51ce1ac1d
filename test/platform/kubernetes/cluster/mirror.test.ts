import assert from "node:assert/strict";
import { KubeApi } from "../../../../platform/kubernetes/cluster/api.ts";
import { Mirror } from "../../../../platform/kubernetes/cluster/mirror.ts";
import { KINDS, type Resource } from "../../../../platform/kubernetes/cluster/resources.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/platform/fake-api-server.ts";
import { QUICK } from "../../../support/platform/fake-cluster.ts";

describe("a mirror of objects of the cluster", () => {
  let server: FakeApiServer;
  let api: KubeApi;
  let mirror: Mirror<Resource>;
  let changes: string[];
  let troubles: string[];

  beforeEach(async () => {
    server = await FakeApiServer.start();
    api = new KubeApi(server.connection());
    for (const name of ["a", "b"]) server.put("pods", pod(name));
    changes = [];
    troubles = [];
    mirror = new Mirror({
      api,
      place: { kind: KINDS.pods, namespace: "n" },
      onChange: (key, object) => changes.push(object ? `${key} there` : `${key} gone`),
      onTrouble: (reason) => troubles.push(reason),
      times: { ...QUICK, silenceMs: 150 },
    });
    await mirror.synced;
    await eventually("it watches", () => server.openWatches === 1);
  });

  afterEach(async () => {
    await mirror.close();
    await api.close();
    await server.down();
  });

  const names = () => [...mirror.values()].map(({ metadata }) => metadata.name).sort();
  const sees = (...expected: string[]) =>
    eventually(`it has ${expected}`, () => JSON.stringify(names()) === JSON.stringify(expected));

  it("has what is there, and tells of what comes, changes and goes", async () => {
    assert.deepEqual(changes, ["a there", "b there"]);
    server.put("pods", pod("c"));
    server.put("pods", { ...pod("a"), status: { phase: "Running" } });
    server.remove("pods", "b");
    await sees("a", "c");
    assert.deepEqual(changes.slice(2), ["c there", "a there", "b gone"]);
    assert.equal(server.requests.filter((each) => each.endsWith("/pods")).length, 2, "one list, one watch");
  });

  it("loses nothing when its watch is cut, and does not tell twice what it knows", async () => {
    server.cutWatches();
    server.put("pods", pod("c"));
    await sees("a", "b", "c");
    assert.deepEqual(changes, ["a there", "b there", "c there"]);
    assert.equal(mirror.trouble, undefined);
  });

  it("lists anew when its place in the history is gone (410), and finds out what went meanwhile", async () => {
    await server.down();
    server.remove("pods", "a");
    server.put("pods", pod("c"));
    server.compact();
    await server.up();
    await sees("b", "c");
    assert.ok(changes.includes("a gone"));
    assert.ok(mirror.lists >= 2);
  });

  it("keeps what it has while the API server is away, says why, and heals by itself", async () => {
    await server.down();
    await eventually("it knows of the trouble", () => mirror.trouble !== undefined);
    assert.deepEqual(names(), ["a", "b"]);
    await server.up();
    server.put("pods", pod("c"));
    await sees("a", "b", "c");
    await eventually("the trouble is over", () => mirror.trouble === undefined);
    assert.equal(troubles.length, 1, "told once, not at every try");
  });

  it("takes a watch that says nothing for broken", async () => {
    server.silenceWatches();
    server.put("pods", pod("c"));
    await sees("a", "b", "c");
    assert.match(troubles[0]!, /the watch was silent/);
  });

  it("asks again later when the server puts it off (429) or fails (500)", async () => {
    const isWatch = (_: string, path: string) => path.endsWith("/pods");
    server.fail({ status: 500, matches: isWatch }, { status: 429, matches: isWatch });
    server.cutWatches();
    server.put("pods", pod("c"));
    await sees("a", "b", "c");
  });

  it("ends for good when it is closed", async () => {
    await mirror.close();
    const asked = server.requests.length;
    server.cutWatches();
    server.put("pods", pod("c"));
    assert.deepEqual(names(), ["a", "b"]);
    assert.equal(server.requests.length, asked);
  });
});

function pod(name: string): object {
  return { metadata: { name, labels: {} } };
}
