import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { applyManifest, kubectl } from "../kubectl.ts";
import { deployStep, type Seen, seen } from "./step.ts";

const NAMESPACE = "skiff-functions";
/** Runs and versions of a flow with the same name are kept. */
const STAMP = Date.now().toString(36);
const ORDER = `order-${STAMP}`;
const EVENTS = ["-n", "skiff", "-l", "app=skiff-events"];

interface Run {
  readonly id: string;
  readonly state: string;
  readonly trigger: { readonly kind: string };
}

describe("flows on a cluster", function () {
  this.timeout(240_000);
  let skiff: Installation;
  const applied = new Set<string>();

  before(async () => {
    skiff = await Installation.install();
    await deployStep(skiff, "flow-step");
  });
  after(async () => {
    for (const name of applied) {
      await kubectl("delete", `flows.skiff.dev/${name}`, "-n", NAMESPACE, "--ignore-not-found");
    }
    await skiff.remove("flow-step");
    await skiff.close();
  });

  const read = (name: string, path: string) =>
    kubectl("get", `flows.skiff.dev/${name}`, "-n", NAMESPACE, "-o", `jsonpath={${path}}`);
  const ready = (name: string, member: string) =>
    read(name, `.status.conditions[?(@.type=="Ready")].${member}`);
  const apply = async (name: string, spec: object) => {
    applied.add(name);
    const manifest = { apiVersion: "skiff.dev/v1", kind: "Flow", metadata: { name, namespace: NAMESPACE } };
    await applyManifest({ ...manifest, spec });
  };
  const isAccepted = (name: string, version: number) =>
    eventually(
      `version ${version} of ${name} is ready`,
      async () =>
        (await ready(name, "status")) === "True" && (await read(name, ".status.version")) === `${version}`,
      30_000,
    );
  const json = async <T>(response: Response, status: number) => {
    const text = await response.text();
    assert.equal(response.status, status, text);
    return JSON.parse(text) as T;
  };
  const begin = async (name: string, input: object) =>
    (
      await json<Run>(
        await skiff.send(`/flow/${name}/run`, { method: "POST", body: JSON.stringify(input) }),
        202,
      )
    ).id;
  /** From a manager: the program of events may be away. */
  const run = async (name: string, id: string) =>
    json<Run>(await skiff.manage(`/flow/${name}/run/${id}`), 200);
  const ended = async (name: string, id: string, withinMs: number) => {
    await eventually(
      `run ${id} of ${name} has ended`,
      async () => /done|failed|cancelled/.test((await run(name, id)).state),
      withinMs,
    );
    return run(name, id);
  };
  const runsOf = async (name: string) =>
    (await json<{ runs: Run[] }>(await skiff.send(`/flow/${name}/run`), 200)).runs;
  const callsOf = async (id: string) =>
    (await seen(skiff, "flow-step")).filter((each: Seen) => each.run === id);

  it("run when kubectl applied them, and show it", async () => {
    const source = `# An order\nsteps:\n  check: { fn: flow-step }\n  ship: { fn: flow-step, needs: [check] }\n`;
    await apply(ORDER, { source });
    await isAccepted(ORDER, 1);
    const answer = await skiff.send(`/flow/${ORDER}/run?wait=30s`, { method: "POST", body: '{"id": 7}' });
    assert.deepEqual(await json(answer, 200), { step: "ship", got: { step: "check", got: { id: 7 } } });
    await eventually(
      "its run is shown",
      async () => (await read(ORDER, ".status.lastRunState")) === "done",
      30_000,
    );
    const row = await kubectl("get", `flows.skiff.dev/${ORDER}`, "-n", NAMESPACE, "--no-headers");
    assert.match(row, /^order-\S+ +1 +0 +\d+s +done +True +\S+$/);
  });

  it("run as soon as a manager has stored them", async () => {
    const name = `put-${STAMP}`;
    applied.add(name);
    const body = "steps: { hello: { fn: flow-step } }\n";
    assert.equal((await skiff.manage(`/flow/${name}`, { method: "PUT", body })).status, 201);
    const answer = await skiff.send(`/flow/${name}/run?wait=30s`, { method: "POST", body: '{"n": 1}' });
    assert.deepEqual(await json(answer, 200), { step: "hello", got: { n: 1 } });
    await eventually("kubectl shows it", async () => (await read(name, ".status.version")) === "1", 30_000);
  });

  it("say where a text is wrong, and go on with the last valid one", async () => {
    await apply(ORDER, { source: "steps:\n  check: { fn: flow-step, neds: [ship] }\n" });
    await eventually(
      "it says so",
      async () => /^line 2, column \d+: .*neds/.test(await ready(ORDER, "message")),
      30_000,
    );
    assert.equal(await ready(ORDER, "reason"), "InvalidSpec");
    assert.equal(await read(ORDER, ".status.version"), "1");
    const answer = await skiff.send(`/flow/${ORDER}/run?wait=30s`, { method: "POST", body: "{}" });
    assert.deepEqual(await json(answer, 200), { step: "ship", got: { step: "check", got: {} } });
    await assert.rejects(apply(ORDER, { description: "none" }), /exactly one of source and steps/);
  });

  it("may be applied as members, with what kubectl makes of the key on", async () => {
    const name = `members-${STAMP}`;
    applied.add(name);
    const text = `
apiVersion: skiff.dev/v1
kind: Flow
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec:
  on: { http: { access: public, respond: hello } }
  steps:
    hello: { fn: flow-step, catch: [{ on: [5xx], output: sorry }] }
`;
    await applyManifest(text);
    await isAccepted(name, 1);
    const answer = await fetch(`${skiff.events}/flow/${name}/http`, { method: "POST", body: '{"a": 1}' });
    assert.deepEqual(await json(answer, 200), { step: "hello", got: { a: 1 } });
  });

  it("are begun by events and by the time", async () => {
    const name = `triggers-${STAMP}`;
    const topic = `flows-${STAMP}`;
    await apply(name, {
      source: `on: { topic: ${topic}, cron: "* * * * * *" }\nsteps: { hello: { fn: flow-step } }\n`,
    });
    await isAccepted(name, 1);
    await eventually(
      "an event begins a run",
      async () => {
        const headers = { "content-type": "application/json" };
        await skiff.send(`/topic/${topic}`, { method: "POST", headers, body: '{"order": 1}' });
        const kinds = new Set((await runsOf(name)).map(({ trigger }) => trigger.kind));
        return kinds.has("topic") && kinds.has("cron");
      },
      40_000,
    );
    await kubectl("delete", `flows.skiff.dev/${name}`, "-n", NAMESPACE);
    await eventually(
      "no further one begins",
      async () => (await skiff.send(`/flow/${name}/run`, { method: "POST", body: "{}" })).status === 404,
      30_000,
    );
  });

  it("wait for a person while every pod of events is replaced", async () => {
    const name = `ask-${STAMP}`;
    await apply(name, {
      source: `steps:\n  ask: { approve: "Really?" }\n  then: { fn: flow-step, needs: [ask] }\n`,
    });
    await isAccepted(name, 1);
    const id = await begin(name, {});
    await eventually("it waits", async () => (await run(name, id)).state === "waiting", 20_000);
    await kubectl("rollout", "restart", "deployment/skiff-events", "-n", "skiff");
    await kubectl("rollout", "status", "deployment/skiff-events", "-n", "skiff", "--timeout=55s");
    const path = `/flow/${name}/run/${id}/approve?step=ask`;
    const headers = { "content-type": "application/json" };
    const approved = await skiff.send(path, { method: "POST", headers, body: '{"comment": "yes"}' });
    assert.ok(approved.ok, await approved.text());
    assert.equal((await ended(name, id, 20_000)).state, "done");
    const [call] = await callsOf(id);
    assert.equal((call!.got as { comment: string }).comment, "yes");
  });

  it("go on when the pods that ran them are killed, and repeat no completed step", async () => {
    const name = `slow-${STAMP}`;
    await apply(name, { source: slowSteps(6) });
    await isAccepted(name, 1);
    const ids = await Promise.all(Array.from({ length: 5 }, () => begin(name, {})));
    await eventually("they are in the middle", async () => await isAt(ids[0]!, "s2"), 30_000);
    await kubectl("delete", "pods", ...EVENTS, "--grace-period=0", "--force");
    for (const id of ids) assert.equal((await ended(name, id, 120_000)).state, "done");
    for (const id of ids) await checkCalls(id, 6);
    await kubectl("rollout", "status", "deployment/skiff-events", "-n", "skiff", "--timeout=55s");
  });

  it("go on as soon as the program of a pod has started again", async () => {
    const name = `crash-${STAMP}`;
    await apply(name, { source: slowSteps(5) });
    await isAccepted(name, 1);
    const ids = await Promise.all(Array.from({ length: 4 }, () => begin(name, {})));
    await eventually("they are in the middle", async () => await isAt(ids[0]!, "s2"), 30_000);
    const pods = await kubectl("get", "pods", ...EVENTS, "-o", "name");
    const program = "$(tr '\\0' ' ' < $each/cmdline)";
    const kill = `for each in /proc/[0-9]*; do case "${program}" in node*) kill -9 \${each#/proc/};; esac; done`;
    await Promise.all(
      pods.split("\n").map((pod) => kubectl("exec", pod, "-n", "skiff", "--", "sh", "-c", `${kill}; true`)),
    );
    const killedAt = Date.now();
    for (const id of ids) assert.equal((await ended(name, id, 60_000)).state, "done");
    // The runs of an engine that is silent are free after 30 seconds; its own it has at once.
    assert.ok(Date.now() - killedAt < 30_000, `${Date.now() - killedAt} ms`);
    for (const id of ids) await checkCalls(id, 5);
  });

  const slowSteps = (count: number) => {
    const steps = Array.from({ length: count }, (_, n) => {
      const needs = n === 0 ? "" : `, needs: [s${n - 1}]`;
      return `  s${n}: { fn: { name: flow-step, path: /slow }, with: ${n}${needs} }\n`;
    });
    return `steps:\n${steps.join("")}`;
  };
  const isAt = async (id: string, step: string) => (await callsOf(id)).some((each) => each.step === step);
  /** Each step had one key, and only the one that was interrupted may have been called twice. */
  const checkCalls = async (id: string, count: number) => {
    const calls = await callsOf(id);
    const keys = new Map<string, Set<string>>();
    for (const { step, key } of calls) keys.set(step, (keys.get(step) ?? new Set()).add(key));
    assert.deepEqual(
      [...keys.keys()].sort(),
      Array.from({ length: count }, (_, n) => `s${n}`),
    );
    for (const [step, each] of keys) assert.equal(each.size, 1, `${step} has one key`);
    const repeated = calls.length - keys.size;
    assert.ok(repeated <= 1, `${repeated} calls were repeated`);
  };
});
