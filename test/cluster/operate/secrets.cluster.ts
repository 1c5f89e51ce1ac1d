import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { applyManifest, kubectl } from "../kubectl.ts";

const NAMESPACE = "skiff-functions";
const MARK = "FINDME-c0ffee-cluster";
const SHOW = `export default () => Deno.env.get("VALUE") ?? "none";\n`;

describe("secrets on the cluster", () => {
  let skiff: Installation;
  before(async () => {
    skiff = await Installation.install();
  });
  after(async () => {
    for (const name of ["shows", "applied"]) await skiff.remove(name);
    await skiff.manage("/secret/cluster-token?force=true", { method: "DELETE" });
    await skiff.close();
  });

  const put = async (value: string) => {
    const response = await skiff.manage("/secret/cluster-token", { method: "PUT", body: value });
    // biome-ignore lint/suspicious/noExplicitAny: a document is read by path
    return { status: response.status, body: (await response.json()) as any };
  };
  const call = async (name: string) => await (await skiff.call(name)).text();
  const objects = async (kinds: string) => await kubectl("get", kinds, "-n", NAMESPACE, "-o", "json");

  it("reach functions, and a changed one is live when the PUT answers", async () => {
    assert.equal((await put(`${MARK} one`)).status, 201);
    const { status, body } = await skiff.deploy("shows", SHOW, "secrets=VALUE=cluster-token");
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(await call("shows"), `${MARK} one`);
    const sinceMs = performance.now();
    const changed = await put(`${MARK} two`);
    const tookMs = Math.round(performance.now() - sinceMs);
    assert.deepEqual(changed.body.functions, [{ name: "shows", version: 2 }]);
    assert.deepEqual(changed.body.failed, []);
    assert.equal(await call("shows"), `${MARK} two`);
    console.log(`      live after ${tookMs} ms`);
  });

  it("come back with a rollback, and from zero", async () => {
    const response = await skiff.manage("/func/shows/rollback?to=1", { method: "POST" });
    assert.equal(response.status, 200, await response.text());
    assert.equal(await call("shows"), `${MARK} one`);
    await skiff.manage("/func/shows", {
      method: "PATCH",
      body: '{"idleMs":1000}',
      headers: { "content-type": "application/json" },
    });
    await skiff.asleep("shows");
    assert.equal(await call("shows"), `${MARK} two`, "a deploy takes the newest");
  });

  it("are in Secrets alone: no other object, log or event has a value", async () => {
    const kinds = "functions,configmaps,deployments,replicasets,pods,services,events";
    const logs = await Promise.all(
      ["skiff-manager", "skiff-router"].map((name) =>
        kubectl("logs", "-n", "skiff", `deployment/${name}`, "--all-pods", "--tail=-1"),
      ),
    );
    const all = [await objects(kinds), ...logs].join("\n");
    assert.match(all, /skiff-secret-cluster-token\.v2/);
    for (const form of [MARK, Buffer.from(MARK).toString("base64").slice(0, -2)]) {
      assert.equal(all.includes(form), false, form);
    }
    assert.match(await objects("secrets"), /skiff-secret-cluster-token\.v2/);
  });

  it("are named by Functions that are applied, without a version", async () => {
    await applyManifest({
      apiVersion: "skiff.dev/v1",
      kind: "Function",
      metadata: { name: "applied", namespace: NAMESPACE },
      spec: { source: SHOW, secrets: { VALUE: { secret: "cluster-token" } } },
    });
    await eventually("it answers", async () => (await call("applied")) === `${MARK} two`, 60_000);
    const changed = await put(`${MARK} three`);
    assert.deepEqual(
      changed.body.functions.map(({ name }: { name: string }) => name),
      ["applied", "shows"],
    );
    assert.equal(await call("applied"), `${MARK} three`);
  });

  it("may be read by the manager and not by routers", async () => {
    const can = (account: string) =>
      kubectl(
        "auth",
        "can-i",
        "get",
        "secrets",
        "-n",
        NAMESPACE,
        `--as=system:serviceaccount:skiff:${account}`,
      ).catch(() => "no");
    assert.deepEqual([await can("skiff-manager"), await can("skiff-router")], ["yes", "no"]);
  });
});
