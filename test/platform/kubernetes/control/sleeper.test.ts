import assert from "node:assert/strict";
import { idleOnes, Sleeper } from "../../../../platform/kubernetes/control/sleeper.ts";
import {
  idleForMs,
  LoadTable,
  type RouterLoad,
} from "../../../../platform/kubernetes/endpoints/load-table.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { publish } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster } from "../../../support/platform/fake-cluster.ts";

describe("the load that a router knows of", () => {
  let nowMs = 0;
  let table: LoadTable;
  beforeEach(() => {
    nowMs = 1_000;
    table = new LoadTable(() => nowMs);
  });
  const load = (inFlight: number, waiting = 0) => table.report({ name: "a", version: 1, inFlight, waiting });
  const idle = () => table.read().versions["a@1"];

  it("is idle since the last call ended, however often silence is reported", () => {
    load(1);
    nowMs += 500;
    assert.deepEqual(idle(), { busy: true, idleForMs: 0 });
    load(0);
    nowMs += 300;
    load(0);
    nowMs += 200;
    assert.deepEqual(idle(), { busy: false, idleForMs: 500 });
  });

  it("is busy while a call waits, or wakes the function", () => {
    load(0, 1);
    assert.equal(idle()?.busy, true);
    load(0);
    const done = table.wakes("a", 1);
    nowMs += 100;
    assert.deepEqual(idle(), { busy: true, idleForMs: 0 });
    done();
    nowMs += 7;
    assert.deepEqual(idle(), { busy: false, idleForMs: 7 });
  });

  it("of versions without a call is idle for as long as the router counts", () => {
    load(1);
    nowMs += 250;
    assert.equal(idleForMs("a@2", [table.read()]), 250);
    assert.equal(idleForMs("b@1", [table.read()]), 250);
  });

  it("is forgotten with its version", () => {
    load(1);
    table.report({ name: "a", version: 2, inFlight: 1, waiting: 0 });
    table.report({ name: "ab", version: 1, inFlight: 1, waiting: 0 });
    table.retain("a", [2]);
    assert.deepEqual(Object.keys(table.read().versions), ["a@2", "ab@1"]);
  });
});

describe("who is sent to sleep", () => {
  const router = (idleForMs: number, busy = false): RouterLoad => ({
    countingForMs: 100_000,
    versions: { "a@1": { busy, idleForMs } },
  });
  const due = [{ name: "a", version: 1, idleMs: 1_000 }];

  it("is who was idle for long enough at every router", () => {
    assert.deepEqual(idleOnes(due, [router(1_000), router(5_000)]), due);
    assert.deepEqual(idleOnes(due, [router(1_000), router(999)]), []);
    assert.deepEqual(idleOnes(due, [router(5_000), router(0, true)]), []);
  });

  it("is nobody when a router does not answer, or none is known", () => {
    assert.deepEqual(idleOnes(due, undefined), []);
    assert.deepEqual(idleOnes(due, []), []);
  });

  it("is nobody while a new router has not counted for long enough", () => {
    assert.deepEqual(idleOnes(due, [router(5_000), { countingForMs: 500, versions: {} }]), []);
  });
});

describe("the sleeper", () => {
  let cluster: FakeCluster;
  let sleeper: Sleeper;
  let loads: readonly RouterLoad[] | undefined;
  let asked: number;
  let woken: string[];

  beforeEach(async () => {
    cluster = await FakeCluster.start();
    loads = undefined;
    asked = 0;
    woken = [];
    sleeper = new Sleeper({
      api: cluster.api,
      platform: cluster.platform,
      namespace: "skiff-functions",
      limits: limitsFromEnv({}),
      replicas: (name, version) => cluster.replicas(name, version),
      wake: (name, version) => woken.push(`${name}@${version}`),
      loads: async () => {
        asked++;
        return loads;
      },
      print: (line) => cluster.lines.push(line),
      everyMs: 5,
    });
  });
  afterEach(async () => {
    await sleeper.close();
    await cluster.close();
  });
  const idle: RouterLoad = { countingForMs: 60_000, versions: {} };
  const replicas = (name: string, version = 1) => cluster.replicas(name, version);

  it("scales an idle version to 0, and none with a min", async () => {
    await publish(cluster.platform, draftOf("sleepy", "one", { idleMs: 100 }));
    await publish(cluster.platform, draftOf("awake", "one", { idleMs: 100, min: 1 }));
    loads = [idle];
    await eventually("it sleeps", () => replicas("sleepy") === 0);
    assert.equal(replicas("awake"), 1);
  });

  it("scales versions apart, and those without traffic whatever their min is", async () => {
    const { platform } = cluster;
    const settings = { idleMs: 100 };
    await publish(platform, draftOf("split", "one", settings));
    await platform.store(draftOf("split", "two", settings));
    await platform.store(draftOf("split", "three", { ...settings, min: 1 }));
    const traffic = [1, 2].map((version) => ({ version, weight: 1 }));
    await platform.route("split", traffic);
    await eventually("all are ready", () => {
      return platform.endpoints("split")?.versions.every(({ instances }) => instances.length === 1) ?? false;
    });
    loads = [{ ...idle, versions: { "split@2": { busy: true, idleForMs: 0 } } }];
    await eventually("two sleep", () => replicas("split", 1) === 0 && replicas("split", 3) === 0);
    assert.equal(replicas("split", 2), 1);
  });

  it("finds versions that a router waits for and that have no Deployment", async () => {
    await publish(cluster.platform, draftOf("gone", "one", { idleMs: 100 }));
    const busy = { busy: true, idleForMs: 0 };
    loads = [{ ...idle, versions: { "gone@1": busy, "gone@2": busy, "other@1": busy } }];
    await eventually("it has asked often", () => asked > 10);
    assert.deepEqual(woken, []);
    cluster.server.remove("deployments", "gone.v1");
    await eventually("it is found", () => woken.includes("gone@1"));
    assert.deepEqual([...new Set(woken)], ["gone@1"]);
  });

  it("waits for the answer of every router", async () => {
    await publish(cluster.platform, draftOf("sleepy", "one", { idleMs: 100 }));
    await eventually("it has asked often", () => asked > 10);
    assert.equal(replicas("sleepy"), 1);
  });

  it("leaves a Deployment alone that changed since the question (409), and decides anew", async () => {
    await publish(cluster.platform, draftOf("sleepy", "one", { idleMs: 100 }));
    const isScale = (_: string, path: string) => path.endsWith("/scale");
    cluster.server.fail({ status: 409, matches: isScale }, { status: 409, matches: isScale });
    loads = [idle];
    await eventually("it sleeps", () => replicas("sleepy") === 0);
    assert.equal(cluster.server.requests.filter((each) => each.endsWith("/scale")).length, 3);
    assert.deepEqual(cluster.lines, []);
  });
});
