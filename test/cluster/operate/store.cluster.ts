import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

const NAME = "stored";
const STATEFUL_SET = ["statefulset/skiff-postgres", "-n", "skiff"];

describe("the store of an installation", function () {
  this.timeout(240_000);
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    await kubectl("rollout", "status", ...STATEFUL_SET, "--timeout=60s");
    const { status, body } = await skiff.deploy(NAME, "export default () => 'stored';\n", "min=1");
    assert.equal(status, 201, JSON.stringify(body));
  });
  after(async () => {
    await kubectl("scale", ...STATEFUL_SET, "--replicas=1");
    await skiff.remove(NAME);
    await skiff.close();
  });

  const usage = async () => {
    const response = await skiff.manage(`/usage?by=function&function=${NAME}`);
    const body = (await response.json()) as { total: { calls: number }; code?: string; detail?: string };
    return { status: response.status, ...body };
  };
  const calls = async () => {
    const { status, total } = await usage();
    return status === 200 ? total.calls : -1;
  };
  const call = async (times: number) => {
    for (let count = 0; count < times; count++) assert.equal((await skiff.call(NAME)).status, 200);
  };
  const replicas = async (count: number) => {
    await kubectl("scale", ...STATEFUL_SET, `--replicas=${count}`);
    const ready = async () =>
      (await kubectl("get", ...STATEFUL_SET, "-o", "jsonpath={.status.readyReplicas}")) || "0";
    const pods = async () =>
      await kubectl("get", "pods", "-n", "skiff", "-l", "app=skiff-postgres", "-o", "name");
    await eventually(
      `PostgreSQL has ${count} pods`,
      async () => (await ready()) === String(count) && ((await pods()) !== "") === count > 0,
      90_000,
    );
  };

  it("counts the calls of all routers", async () => {
    const before = await calls();
    await call(50);
    await eventually("they are counted", async () => (await calls()) === before + 50, 15_000);
  });

  it("has what was counted after PostgreSQL was replaced", async () => {
    const before = await calls();
    await kubectl("delete", "pod", "skiff-postgres-0", "-n", "skiff");
    await eventually("it answers again", async () => (await calls()) === before, 90_000);
  });

  it("may be away: functions are deployed and called, requests for usage say why, and no count is lost", async () => {
    const before = await calls();
    await replicas(0);
    await eventually("it is away", async () => (await usage()).status === 503, 15_000);
    const { code, detail } = await usage();
    assert.equal(code, "store_unavailable");
    assert.match(detail!, /PostgreSQL: /);
    const { status, body } = await skiff.deploy("unstored", "export default () => 'unstored';\n");
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal((await skiff.call("unstored")).status, 200);
    assert.equal(await skiff.remove("unstored"), 200);
    await call(30);
    await replicas(1);
    await eventually("all are counted", async () => (await calls()) === before + 30, 60_000);
  });
});
