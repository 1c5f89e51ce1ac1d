import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { applyManifest, kubectl } from "../kubectl.ts";
import { deployRecorder, recorded } from "./recorder.ts";

const NAMESPACE = "skiff-functions";
/** Firings of a schedule with the same name are kept. */
const NAME = `ticks-${Date.now().toString(36)}`;
const SCHEDULE = [`schedules.skiff.dev/${NAME}`, "-n", NAMESPACE];

describe("schedules on a cluster", function () {
  this.timeout(180_000);
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    await deployRecorder(skiff, "ticker");
  });
  after(async () => {
    await kubectl("delete", ...SCHEDULE, "--ignore-not-found");
    await skiff.remove("ticker");
    await skiff.close();
  });

  const read = (path: string) => kubectl("get", ...SCHEDULE, "-o", `jsonpath={${path}}`);
  const apply = (spec: object) =>
    applyManifest({
      apiVersion: "skiff.dev/v1",
      kind: "Schedule",
      metadata: { name: NAME, namespace: NAMESPACE },
      spec: { cron: "* * * * * *", overlap: "allow", call: { function: "ticker" }, ...spec },
    });
  const firings = async () => {
    const response = await skiff.manage(`/schedule/${NAME}/firings?limit=100`);
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    return (body as { firings: { at: string; outcome: string }[] }).firings;
  };
  const count = async () => Object.keys(await recorded(skiff, "ticker")).length;

  it("fire each second once, with two replicas that both could", async () => {
    await apply({});
    await eventually("it has fired ten times", async () => (await count()) >= 10, 40_000);
    const times = (await firings()).map(({ at }) => Date.parse(at)).sort((a, b) => a - b);
    assert.equal(new Set(times).size, times.length, "none twice");
    const gaps = times.slice(1).map((at, index) => at - times[index]!);
    assert.deepEqual([...new Set(gaps)], [1_000], "none is missing");
  });

  it("go on when the replica that fires dies", async () => {
    const pods = await kubectl("get", "pods", "-n", "skiff", "-l", "app=skiff-events", "-o", "name");
    const before = await count();
    await kubectl("delete", pods.split("\n")[0]!, "-n", "skiff", "--grace-period=0", "--force");
    await eventually("it goes on", async () => (await count()) >= before + 10, 40_000);
    const times = (await firings()).map(({ at }) => Date.parse(at));
    assert.equal(new Set(times).size, times.length, "none twice");
    await kubectl("rollout", "status", "deployment/skiff-events", "-n", "skiff", "--timeout=60s");
  });

  it("show their next and last time to kubectl", async () => {
    await eventually("they are shown", async () => (await read(".status.lastOutcome")) === "fired", 30_000);
    const [next, last] = [Date.parse(await read(".status.nextAt")), Date.parse(await read(".status.lastAt"))];
    assert.ok(next > last, `${next} > ${last}`);
    const row = await kubectl("get", ...SCHEDULE, "--no-headers");
    assert.match(row, /^ticks-\S+ +\* \* \* \* \* \* +20\d\d-\S+Z +\d+s +True +\S+$/);
  });

  it("rest while they are paused", async () => {
    await apply({ paused: true });
    const reason = '.status.conditions[?(@.type=="Ready")].reason';
    await eventually("it says so", async () => (await read(reason)) === "Paused", 30_000);
    const [before] = await firings();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.deepEqual((await firings())[0], before);
  });

  it("with an expression that never fires say so", async () => {
    await apply({ cron: "0 0 31 2 *" });
    const message = '.status.conditions[?(@.type=="Ready")].message';
    await eventually("it says so", async () => /never fires/.test(await read(message)), 30_000);
  });
});
