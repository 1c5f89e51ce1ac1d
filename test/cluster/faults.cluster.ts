import assert from "node:assert/strict";
import type { Pod } from "../../platform/kubernetes/cluster/resources.ts";
import { LABELS, PORT } from "../../platform/kubernetes/objects/names.ts";
import { crashOf, isReady } from "../../platform/kubernetes/objects/pod-state.ts";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/instances/call-instance.ts";
import { Installation } from "./installation.ts";
import { kubectl } from "./kubectl.ts";
import { underLoad } from "./load.ts";

const NAMESPACE = "skiff-functions";
const LONG_MS = 60_000;
/** Each of the eight connections has a call on an instance that dies, or sends one before it has seen that. */
const MOST_LOST = 16;
const answering = (text: string) => `export default () => ${JSON.stringify(text)};\n`;

const MORTAL = `export default (request) => request.url.endsWith("/die") ? Deno.exit(3) : "alive";\n`;

/** Kills the program of a manager, which is not the first process of its pod: that one is immune from inside. */
async function kill(manager: string): Promise<void> {
  const each =
    "for p in /proc/[0-9]*; do case $(readlink $p/exe) in */node) kill -9 $(basename $p);; esac; done; true";
  await kubectl("exec", "-n", "skiff", manager, "--", "sh", "-c", each);
}

describe("faults of an installation on the cluster", () => {
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    // Left by a run that failed.
    for (const name of ["half-first", "half-again", "crash-1", "crash-2", "gone"]) {
      if ((await skiff.remove(name)) === 200) await skiff.nothingIsLeft(name);
    }
  });
  after(() => skiff.close());

  const annotation = async (name: string, which: string) => {
    const path = `jsonpath={.metadata.annotations.skiff\\.dev/publishing-${which}}`;
    return await kubectl("get", "function", name, "-n", NAMESPACE, "-o", path, "--ignore-not-found");
  };
  const podsOf = (name: string) =>
    skiff.pods.filter((pod) => pod.metadata.labels?.[LABELS.function] === name && isReady(pod));
  const readyPods = (name: string, count: number) =>
    eventually(`${count} pods of ${name} are ready`, () => podsOf(name).length === count, LONG_MS);

  /** Its container has ended, or it was replaced. */
  const hasCrashed = ({ metadata: { uid } }: Pod) => {
    const pod = skiff.pods.find(({ metadata }) => metadata.uid === uid);
    return !pod || crashOf(pod) !== undefined;
  };
  const die = ({ status }: Pod) =>
    assert.rejects(call({ host: status!.podIP!, port: PORT }, { path: "/die" }));

  it("a manager that is killed in the middle of a deploy holds up no deploy of the same name", async () => {
    const stuck = "await new Promise((resolve) => setTimeout(resolve, 15_000));\nexport default () => 1;\n";
    for (const existing of [false, true]) {
      const name = existing ? "half-again" : "half-first";
      if (existing) assert.equal((await skiff.deploy(name, answering("before"))).status, 201);
      await eventually("no deploy is under way", async () => (await annotation(name, "since")) === "");
      const interrupted = skiff.deploy(name, stuck).catch((error: Error) => error);
      await eventually("it is under way", async () => (await annotation(name, "by")) !== "");
      const [holder = ""] = (await annotation(name, "by")).split("/");
      const managers = await kubectl("get", "pods", "-n", "skiff", "-l", "app=skiff-manager", "-o", "json");
      const { items } = JSON.parse(managers) as { items: Pod[] };
      const other = items.find((pod) => pod.metadata.name !== holder && isReady(pod));
      await kill(holder);
      const startedMs = performance.now();
      const answer = await fetch(`http://${other!.status!.podIP}:8080/func?name=${name}`, {
        method: "POST",
        headers: { authorization: `Bearer ${skiff.token}` },
        body: answering("after"),
      });
      const tookMs = performance.now() - startedMs;
      assert.ok(answer.ok, await answer.text());
      console.log(`      ${name}: ${Math.round(tookMs)} ms`);
      assert.ok(tookMs < 5_000, `it took ${tookMs} ms`);
      assert.ok((await interrupted) instanceof Error);
      assert.equal(await (await skiff.call(name)).text(), "after");
      assert.equal(await skiff.remove(name), 200);
      await skiff.nothingIsLeft(name);
      await kubectl("rollout", "status", "deployment/skiff-manager", "-n", "skiff", "--timeout=60s");
    }
  });

  it("a crash of all instances at once loses the calls under way alone", async () => {
    for (const count of [1, 2]) {
      const name = `crash-${count}`;
      const { status } = await skiff.deploy(name, MORTAL, `min=${count}&max=${count}`);
      assert.equal(status, 201);
      await readyPods(name, count);
      const report = await underLoad(skiff.router, `/fn/${name}`, async () => {
        const pods = podsOf(name);
        await Promise.all(pods.map(die));
        await eventually("they have crashed", () => pods.every(hasCrashed), LONG_MS);
        await eventually("it answers", async () => (await skiff.call(name)).status === 200, LONG_MS);
        await readyPods(name, count);
      });
      console.log(`      ${report.answered} answered, lost: ${JSON.stringify(report.lost)}`);
      for (const kind of Object.keys(report.lost)) assert.match(kind, /^502 /);
      const lost = Object.values(report.lost).reduce((sum, each) => sum + each, 0);
      assert.ok(lost <= MOST_LOST, `${lost} were lost`);
      await skiff.remove(name);
    }
  });

  it("a removal is answered within half a second, and the name is free at once", async () => {
    for (const text of ["one", "two", "three"]) {
      assert.equal((await skiff.deploy("gone", answering(text), "min=1")).status, 201);
      assert.equal(await (await skiff.call("gone")).text(), text);
      const startedMs = performance.now();
      assert.equal(await skiff.remove("gone"), 200);
      const tookMs = performance.now() - startedMs;
      console.log(`      ${Math.round(tookMs)} ms`);
      assert.ok(tookMs < 500, `it took ${tookMs} ms`);
      assert.equal((await skiff.call("gone")).status, 404);
    }
    await skiff.nothingIsLeft("gone");
  });

  it("30 first deploys at once all succeed", async function () {
    this.timeout(5 * LONG_MS);
    const names = Array.from({ length: 30 }, (_, index) => `first-${index}`);
    const startedMs = performance.now();
    const deployed = await Promise.all(names.map((name) => skiff.deploy(name, answering(name))));
    console.log(`      ${Math.round(performance.now() - startedMs)} ms`);
    const refused = deployed.filter(({ status }) => status !== 201).map(({ body }) => body);
    assert.deepEqual(refused, []);
    for (const name of names) assert.equal(await (await skiff.call(name)).text(), name);
    await Promise.all(names.map((name) => skiff.remove(name)));
  });
});
