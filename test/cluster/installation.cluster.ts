import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { eventually } from "../support/eventually.ts";
import { applyFormer } from "./apply-former.ts";
import { Installation } from "./installation.ts";
import { applyManifest, kubectl } from "./kubectl.ts";
import { underLoad } from "./load.ts";

const NAMESPACE = "skiff-functions";
const answering = (text: string) => `export default () => ${JSON.stringify(text)};\n`;
const functionOf = (name: string, spec: object) => ({
  apiVersion: "skiff.dev/v1",
  kind: "Function",
  metadata: { name, namespace: NAMESPACE },
  spec,
});

const rolledOut = (name: string) =>
  kubectl("rollout", "status", `deployment/${name}`, "-n", "skiff", "--timeout=60s");

describe("an installation on the cluster", () => {
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
  });
  after(async () => {
    await skiff.close();
  });

  const status = async (name: string, path: string) =>
    await kubectl("get", "function", name, "-n", NAMESPACE, "-o", `jsonpath={.status.${path}}`);
  const condition = (name: string, field: string) => status(name, `conditions[?(@.type=="Ready")].${field}`);

  it("asks for the token of its Secret", async () => {
    const response = await fetch(`${skiff.manager}/func`);
    assert.equal(response.status, 401);
    const { detail } = (await response.json()) as { detail: string };
    const command = /kubectl (-n \S+ get secret \S+) -o go-template='(.*)'$/.exec(detail);
    assert.ok(command, detail);
    const shown = await kubectl(...command[1]!.split(" "), "-o", `go-template=${command[2]}`);
    assert.equal(shown, skiff.token);
    assert.equal((await skiff.manage("/func")).status, 200);
  });

  for (const [name, path] of [
    ["useragent", ""],
    ["cards", "/draw"],
    ["load", ""],
  ] as const) {
    it(`deploys, calls and removes the example ${name}, of which nothing is left`, async () => {
      const source = await readFile(`examples/${name}.ts`);
      const { status, body } = await skiff.deploy(`example-${name}`, source);
      assert.equal(status, 201, JSON.stringify(body));
      assert.equal((await skiff.call(`example-${name}`, path)).status, 200);
      assert.equal((await skiff.deploy(`example-${name}`, source)).body.unchanged, true);
      assert.equal(await skiff.remove(`example-${name}`), 200);
      assert.equal((await skiff.call(`example-${name}`, path)).status, 404);
      await skiff.nothingIsLeft(`example-${name}`);
    });
  }

  it("keeps the concurrency of an instance for calls that come by two routers", async () => {
    const code = `
      let calls = 0;
      let most = 0;
      export default async (request) => {
        if (new URL(request.url).pathname === "/most") return String(most);
        most = Math.max(most, ++calls);
        await new Promise((resolve) => setTimeout(resolve, 20));
        calls--;
        return "done";
      };`;
    const { status, body } = await skiff.deploy("exact", code, "concurrency=1&min=1&max=1");
    assert.equal(status, 201, JSON.stringify(body));
    const calls = Array.from({ length: 40 }, async () => await (await skiff.call("exact")).text());
    assert.deepEqual([...new Set(await Promise.all(calls))], ["done"]);
    assert.equal(await (await skiff.call("exact", "/most")).text(), "1");
    await skiff.remove("exact");
  });

  it("makes nothing of code that does not build, or does not start", async () => {
    assert.equal((await skiff.deploy("broken", "export default (")).status, 422);
    assert.deepEqual(await skiff.leftovers("broken"), []);
    const { status, body } = await skiff.deploy(
      "broken",
      `console.log("last words"); throw new Error("no");`,
    );
    assert.deepEqual([status, body.code], [422, "start_failed"]);
    assert.match(String(body.detail), /last words/);
    await skiff.nothingIsLeft("broken");
  });

  it("takes a source of 19 MiB, and gives it back", async () => {
    const line = () =>
      `// ${Array.from({ length: 20 }, () => Math.random().toString(36).slice(2)).join("")}\n`;
    const text = Array.from({ length: 85_000 }, line)
      .join("")
      .slice(0, 19 * 1024 ** 2);
    const source = Buffer.from(`${answering("large")}${text}`);
    const { status, body } = await skiff.deploy("large", source, "memory=512Mi");
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(await (await skiff.call("large")).text(), "large");
    const given = Buffer.from(await (await skiff.manage("/func/large/source")).arrayBuffer());
    assert.ok(given.equals(source));
    await skiff.remove("large");
  });

  it("deploys a Function that kubectl applies, and shows it", async () => {
    await applyManifest(functionOf("applied", { source: answering("one"), env: { A: "1" } }));
    await eventually("it is ready", async () => (await condition("applied", "status")) === "True", 30_000);
    assert.equal(await (await skiff.call("applied")).text(), "one");
    const [header = "", row = ""] = (await kubectl("get", "functions", "applied", "-n", NAMESPACE)).split(
      "\n",
    );
    assert.match(header, /^NAME +VERSION +READY +URL +AGE/);
    assert.match(row, /^applied +1 +True +\S*\/fn\/applied +\d+s/);
    await applyManifest(functionOf("applied", { source: answering("two"), env: { A: "1" } }));
    await eventually("it is at version 2", async () => (await status("applied", "version")) === "2", 30_000);
    assert.equal(await (await skiff.call("applied")).text(), "two");
  });

  it("refuses a Function whose settings or name are none", async () => {
    const refused = (name: string, spec: object, reason: RegExp) =>
      assert.rejects(applyManifest(functionOf(name, { source: answering("x"), ...spec })), reason);
    await refused("bad", { min: 5, max: 2 }, /min is greater than max/);
    await refused("bad", { memoryMiB: 1 }, /memoryMiB/);
    await refused("bad", { permissions: { sys: ["everything"] } }, /sys/);
    await refused("1bad", {}, /the name must have/);
    await refused("b".repeat(53), {}, /the name must have/);
  });

  it("says in the status why a Function does not run, with the last lines", async () => {
    await applyManifest(
      functionOf("crashing", { source: `console.log("last words"); throw new Error("no");` }),
    );
    await eventually(
      "it says so",
      async () => (await condition("crashing", "reason")) === "StartFailed",
      60_000,
    );
    assert.match(await condition("crashing", "message"), /last words/);
    await applyManifest(functionOf("unbuilt", { source: "export default (" }));
    await eventually(
      "it says so",
      async () => (await condition("unbuilt", "reason")) === "BuildFailed",
      30_000,
    );
    assert.match(await condition("unbuilt", "message"), /main\.ts:1/);
    await kubectl("delete", "functions", "crashing", "unbuilt", "-n", NAMESPACE);
  });

  it("repairs what was edited or deleted by hand", async () => {
    const deployment = ["deployment/applied.v2", "-n", NAMESPACE] as const;
    await kubectl("set", "env", ...deployment, "EVIL=1");
    const read = () => kubectl("get", ...deployment, "-o", "yaml");
    await eventually("the variable is gone", async () => !(await read()).includes("EVIL"), 30_000);
    for (const child of ["deployment/applied.v2", "service/applied-service", "hpa/applied.v2"]) {
      await kubectl("delete", child, "-n", NAMESPACE);
      await eventually(`${child} is back`, async () => {
        return (await kubectl("get", child, "-n", NAMESPACE, "-o", "name", "--ignore-not-found")) !== "";
      });
    }
    await kubectl(
      "delete",
      "configmaps",
      "-n",
      NAMESPACE,
      "-l",
      "skiff.dev/function=applied,skiff.dev/part=bundle",
    );
    await eventually("the bundle is back", async () => {
      const selector = "skiff.dev/function=applied,skiff.dev/part=bundle";
      return (await kubectl("get", "configmaps", "-n", NAMESPACE, "-l", selector, "-o", "name")) !== "";
    });
    await eventually("it answers", async () => (await skiff.call("applied")).status === 200, 30_000);
  });

  it("goes on by the other router when one is gone at once, and has two of them again", async () => {
    const names = await kubectl("get", "pods", "-l", "app=skiff-router", "-n", "skiff", "-o", "name");
    await kubectl("delete", names.split("\n")[0]!, "-n", "skiff", "--grace-period=0", "--force");
    const answers = async () => {
      const calls = await Promise.allSettled(Array.from({ length: 20 }, () => skiff.call("applied")));
      return calls.every((each) => each.status === "fulfilled" && each.value.status === 200);
    };
    await eventually("every call is answered", answers, 10_000);
    await rolledOut("skiff-router");
  });

  it("removes everything of a Function by ownership while no manager runs", async () => {
    await kubectl("scale", "deployment/skiff-manager", "-n", "skiff", "--replicas=0");
    try {
      await kubectl("wait", "--for=delete", "pod", "-l", "app=skiff-manager", "-n", "skiff", "--timeout=60s");
      assert.equal((await skiff.call("applied")).status, 200);
      await assert.rejects(skiff.manage("/func", { signal: AbortSignal.timeout(2_000) }));
      await kubectl("delete", "function", "applied", "-n", NAMESPACE);
      await skiff.nothingIsLeft("applied");
    } finally {
      await kubectl("scale", "deployment/skiff-manager", "-n", "skiff", "--replicas=2");
      await rolledOut("skiff-manager");
    }
  });

  it("takes a function of an older Skiff over without losing a call", async () => {
    const managers = async (replicas: number) => {
      await kubectl("scale", "deployment/skiff-manager", "-n", "skiff", `--replicas=${replicas}`);
      if (replicas > 0) return await rolledOut("skiff-manager");
      return await kubectl(
        "wait",
        "--for=delete",
        "pod",
        "-l",
        "app=skiff-manager",
        "-n",
        "skiff",
        "--timeout=60s",
      );
    };
    const get = (...what: string[]) =>
      kubectl("get", ...what, "-n", NAMESPACE, "--ignore-not-found", "-o", "name");
    const podsOf = async () => (await get("pods", "-l", "skiff.dev/function=former")).split("\n");
    await managers(0);
    try {
      await applyFormer("former", NAMESPACE);
      await kubectl("scale", "deployment/former-app", "-n", NAMESPACE, "--replicas=2");
      await kubectl("rollout", "status", "deployment/former-app", "-n", NAMESPACE, "--timeout=60s");
      await eventually("it answers", async () => (await skiff.call("former")).status === 200, 30_000);
      const before = await podsOf();
      const report = await underLoad(skiff.router, "/fn/former", async () => {
        await managers(2);
        const isGone = async () => (await get("deployment/former-app", "hpa/former-app")) === "";
        await eventually("its old Deployment is gone", isGone, 60_000);
        const isNew = async () => (await podsOf()).every((pod) => !before.includes(pod));
        await eventually("its pods are new", isNew, 30_000);
      });
      assert.deepEqual([report.lost, report.bodies], [{}, ["former 2"]]);
    } finally {
      await managers(2);
    }
    for (const kind of ["deployment", "hpa", "netpol"]) {
      assert.match(await get(kind, "-l", "skiff.dev/function=former"), /\/former\.v2$/m, kind);
    }
    await eventually(
      "the policy of its old pods is gone",
      async () => (await get("netpol/former-egress")) === "",
    );
    const { versions } = (await (await skiff.manage("/func/former")).json()) as { versions: unknown[] };
    assert.equal(versions.length, 2);
    assert.equal((await skiff.deploy("former", answering("three"))).body.version, 3);
    assert.equal(await (await skiff.call("former")).text(), "three");
    assert.equal(await skiff.remove("former"), 200);
    await skiff.nothingIsLeft("former");
  });

  for (const [way, settings, steps] of [
    ["with a pod of the pool", "idle=1s", ["claim", "load", "first-byte"]],
    [
      "with a pod of its own",
      "idle=1s&memory=129Mi",
      ["api", "schedule", "container", "start", "first-byte"],
    ],
  ] as const) {
    it(`sends an idle function to sleep, and wakes it ${way} within 1.5 s, with the time broken down`, async () => {
      await skiff.deploy("sleepy", answering("awake"), settings);
      await skiff.asleep("sleepy");
      await skiff.poolIsFull();
      const startedMs = performance.now();
      const response = await skiff.call("sleepy");
      assert.equal(await response.text(), "awake");
      assert.ok(performance.now() - startedMs < 1_500);
      const timing = response.headers.get("server-timing") ?? "";
      for (const step of steps) assert.match(timing, new RegExp(`${step};dur=`));
      await skiff.remove("sleepy");
    });
  }

  it("loses no call while a function is deployed again and again", async () => {
    await skiff.deploy("busy", answering("0"), "min=1");
    const report = await underLoad(skiff.router, "/fn/busy", async () => {
      for (let round = 1; round <= 5; round++) {
        const { status } = await skiff.deploy("busy", answering(String(round)));
        assert.equal(status, 200);
        assert.equal(
          await (await skiff.call("busy")).text(),
          String(round),
          "the next call sees the new version",
        );
      }
    });
    assert.deepEqual(report.lost, {});
    assert.deepEqual(report.bodies, ["0", "1", "2", "3", "4", "5"]);
  });

  it("loses no call while pods of a function, routers and managers are killed", async () => {
    const report = await underLoad(skiff.router, "/fn/busy", async () => {
      await kubectl("delete", "pods", "-n", NAMESPACE, "-l", "skiff.dev/function=busy");
      await kubectl(
        "rollout",
        "restart",
        "deployment/skiff-router",
        "deployment/skiff-manager",
        "-n",
        "skiff",
      );
      for (const name of ["skiff-router", "skiff-manager"]) {
        await kubectl("rollout", "status", `deployment/${name}`, "-n", "skiff", "--timeout=90s");
      }
    });
    assert.deepEqual(report.lost, {});
    assert.equal(await skiff.remove("busy"), 200);
    await skiff.nothingIsLeft("busy");
  });
});
