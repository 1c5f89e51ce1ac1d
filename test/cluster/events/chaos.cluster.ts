import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { applyManifest, kubectl } from "../kubectl.ts";
import { deployRecorder, recorded, repeated } from "./recorder.ts";

/** Calls, and as many events. The full measure is 10,000. */
const COUNT = Number(process.env.SKIFF_CHAOS_CALLS ?? 1_000);
const CLIENTS = 8;
const KILLED = ["skiff-events", "skiff-postgres", "skiff-router", "skiff-manager"];
const NAMESPACE = "skiff-functions";
/** Calls of a worker that died are taken over after 30 s, and waits between attempts grow. */
const SETTLED_WITHIN_MS = 300_000;

describe("calls and events while programs and the database are killed", function () {
  this.timeout(900_000);
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    for (const name of ["sturdy", "steady"]) await deployRecorder(skiff, name);
    await skiff.call("sturdy", "/settings?fail=0.05");
    const spec = { topic: "chaos", function: "steady", retry: { attempts: 20, backoff: "200ms" } };
    const metadata = { name: "chaos", namespace: NAMESPACE };
    await applyManifest({ apiVersion: "skiff.dev/v1", kind: "Subscription", metadata, spec });
    // A group begins with the events after it.
    await eventually(
      "the subscription has a place",
      async () => {
        const response = await skiff.manage("/topic/chaos");
        const { state } = (await response.json()) as { state?: { groups?: unknown[] } };
        return (state?.groups?.length ?? 0) > 0;
      },
      30_000,
    );
  });
  after(async () => {
    await kubectl("delete", "subscriptions.skiff.dev/chaos", "-n", NAMESPACE, "--ignore-not-found");
    for (const name of ["sturdy", "steady"]) await skiff.remove(name);
    await skiff.close();
  });

  /** Sends until it is acknowledged: what was not may be there or not, and the key or id makes it the same. */
  const acknowledged = async (path: string, headers: Record<string, string>) => {
    for (const untilMs = performance.now() + 120_000; performance.now() < untilMs; ) {
      try {
        const signal = AbortSignal.timeout(20_000);
        const response = await skiff.send(path, { method: "POST", headers, body: "{}", signal });
        const body = (await response.json()) as { id?: string };
        if (response.status === 202) return body;
        if (response.status < 500) throw new Error(`${response.status} ${JSON.stringify(body)}`);
      } catch (error) {
        if (/^[1-4]\d\d /.test((error as Error).message)) throw error;
      }
      await pause(200);
    }
    throw new Error(`${path} was not acknowledged`);
  };

  const sendAll = async (send: (index: number) => Promise<void>) => {
    let next = 0;
    const client = async () => {
      while (next < COUNT) await send(next++);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  };

  /** Kills pods of all programs and the database in turn, until the signal aborts. Returns how many. */
  const kill = async (signal: AbortSignal) => {
    let kills = 0;
    for (; !signal.aborted || kills < KILLED.length; kills++) {
      const app = KILLED[kills % KILLED.length]!;
      const names = await kubectl("get", "pods", "-n", "skiff", "-l", `app=${app}`, "-o", "name");
      const pods = names.split("\n");
      const pod = pods[Math.floor(Math.random() * pods.length)];
      if (pod) await kubectl("delete", pod, "-n", "skiff", "--grace-period=0", "--force");
      await pause(4_000);
    }
    return kills;
  };

  it("loses none that was acknowledged, and repeats one only as a further attempt", async () => {
    const ids = new Set<string>();
    const events = Array.from({ length: COUNT }, (_, index) => `event-${index}`);
    const sent = new AbortController();
    const killing = kill(sent.signal);
    const run = Date.now();
    await Promise.all([
      sendAll(async (index) => {
        const { id } = await acknowledged("/async/fn/sturdy", { "idempotency-key": `${run}-${index}` });
        ids.add(id!);
      }),
      sendAll(async (index) => {
        await acknowledged("/topic/chaos", {
          ...{ "ce-specversion": "1.0", "ce-id": events[index]!, "ce-source": `/chaos/${run}` },
          ...{ "ce-type": "com.example.chaos", "content-type": "application/json" },
        });
      }),
    ]).finally(() => sent.abort());
    assert.ok((await killing) >= KILLED.length);
    assert.equal(ids.size, COUNT);
    await kubectl("rollout", "status", "statefulset/skiff-postgres", "-n", "skiff", "--timeout=90s");
    const of = async (name: string) => Object.keys(await recorded(skiff, name)).length;
    const have = async () => [await of("sturdy"), await of("steady")].join();
    await eventually("all have run", async () => (await have()) === `${COUNT},${COUNT}`, SETTLED_WITHIN_MS);
    const [calls, deliveries] = [await recorded(skiff, "sturdy"), await recorded(skiff, "steady")];
    assert.deepEqual(Object.keys(calls).sort(), [...ids].sort());
    assert.deepEqual(Object.keys(deliveries).sort(), [...events].sort());
    assert.deepEqual([repeated(calls), repeated(deliveries)], [[], []]);
    const settled = async () => {
      const response = await skiff.manage("/call?function=sturdy&state=waiting,running,dead&limit=10");
      return response.status === 200 && ((await response.json()) as { calls: unknown[] }).calls.length === 0;
    };
    await eventually("every call is done", settled, SETTLED_WITHIN_MS);
  });

  it("are all taken, and run once, while the program of events is rolled out", async () => {
    await skiff.call("sturdy", "/settings?fail=0");
    const before = Object.keys(await recorded(skiff, "sturdy")).length;
    const refused: string[] = [];
    let accepted = 0;
    let goesOn = true;
    const client = async () => {
      while (goesOn) {
        const response = await skiff.send("/async/fn/sturdy", { method: "POST", body: "{}" }).catch(String);
        if (typeof response === "string") refused.push(response);
        else if (response.status === 202) accepted++;
        else refused.push(`${response.status} ${await response.text()}`);
        await pause(50);
      }
    };
    const clients = [client(), client()];
    const deployment = ["deployment/skiff-events", "-n", "skiff"];
    try {
      await kubectl("rollout", "restart", ...deployment);
      await kubectl("rollout", "status", ...deployment, "--timeout=120s");
      await pause(6_000);
    } finally {
      goesOn = false;
      await Promise.all(clients);
    }
    assert.deepEqual(refused, []);
    const ran = async () => Object.keys(await recorded(skiff, "sturdy")).length - before;
    await eventually("all have run", async () => (await ran()) === accepted, SETTLED_WITHIN_MS);
    const attempts = Object.values(await recorded(skiff, "sturdy")).slice(before);
    assert.deepEqual(new Set(attempts.map(String)), new Set(["1"]));
  });
});
