import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { applyManifest, kubectl } from "../kubectl.ts";
import { deployRecorder, recorded, repeated } from "./recorder.ts";

const NAMESPACE = "skiff-functions";
const EVENTS = 60;
/** Events of a topic stay when kubectl deletes it. */
const ORDERS = `orders-${Date.now().toString(36)}`;
const PONG = `
export default async (request) => {
  const url = new URL(request.url);
  return new Response("pong " + request.method + " " + url.pathname, { headers: { "x-pong": "yes" } });
};
`;

const declared = (kind: string, name: string, spec: object) => ({
  apiVersion: "skiff.dev/v1",
  kind,
  metadata: { name, namespace: NAMESPACE },
  spec,
});

describe("topics on a cluster", function () {
  this.timeout(180_000);
  let skiff: Installation;
  const functions = ["shipper", "mailer", "ponger"];

  before(async () => {
    skiff = await Installation.install();
    await deployRecorder(skiff, "shipper");
    await deployRecorder(skiff, "mailer");
    const { status, body } = await skiff.deploy("ponger", PONG, "min=1");
    assert.equal(status, 201, JSON.stringify(body));
  });
  after(async () => {
    const objects = [
      `topic/${ORDERS}`,
      "topic/pings",
      "subscription/ship",
      "subscription/mail",
      "subscription/pong",
    ];
    for (const each of [...objects, "subscription/nobody"]) {
      const [kind, name] = each.split("/");
      await kubectl("delete", `${kind}s.skiff.dev/${name}`, "-n", NAMESPACE, "--ignore-not-found");
    }
    for (const name of functions) await skiff.remove(name);
    await skiff.close();
  });

  const read = (what: string, path: string) =>
    kubectl("get", what, "-n", NAMESPACE, "-o", `jsonpath={${path}}`);
  const isReady = (what: string) => read(what, '.status.conditions[?(@.type=="Ready")].status');

  it("deliver each event once to each group of applied subscriptions", async () => {
    await applyManifest(declared("Topic", ORDERS, { keepFor: "24h" }));
    await applyManifest(declared("Subscription", "ship", { topic: ORDERS, function: "shipper" }));
    await applyManifest(
      declared("Subscription", "mail", { topic: ORDERS, function: "mailer", group: "letters" }),
    );
    await eventually(
      "both are ready",
      async () => {
        const ready = [
          await isReady("subscriptions.skiff.dev/ship"),
          await isReady("subscriptions.skiff.dev/mail"),
        ];
        return ready.join() === "True,True";
      },
      30_000,
    );
    const ids = Array.from({ length: EVENTS }, (_, index) => `order-${index}`);
    for (const id of ids) {
      const headers = {
        ...{ "ce-specversion": "1.0", "ce-id": id, "ce-source": "/shop", "ce-type": "com.example.order" },
        "content-type": "application/json",
      };
      const response = await skiff.send(`/topic/${ORDERS}`, { method: "POST", headers, body: "{}" });
      assert.equal(response.status, 202, await response.text());
    }
    for (const name of ["shipper", "mailer"]) {
      await eventually(
        `${name} has them all`,
        async () => Object.keys(await recorded(skiff, name)).length === EVENTS,
        30_000,
      );
      const got = await recorded(skiff, name);
      assert.deepEqual(Object.keys(got).sort(), [...ids].sort());
      assert.deepEqual(repeated(got), []);
    }
  });

  it("show their state to kubectl", async () => {
    await eventually(
      "the statuses are written",
      async () => (await read(`topics.skiff.dev/${ORDERS}`, ".status.events")) === String(EVENTS),
      30_000,
    );
    const rows = await kubectl("get", "subscriptions.skiff.dev", "-n", NAMESPACE, "--no-headers");
    assert.match(rows, /^mail +orders-\S+ +mailer +letters +0 +0 +True +\S+$/m);
    assert.match(rows, /^ship +orders-\S+ +shipper +ship +0 +0 +True +\S+$/m);
  });

  it("say why a subscription does nothing, and refuse one without a target", async () => {
    await applyManifest(declared("Subscription", "nobody", { topic: ORDERS, function: "missing" }));
    const reason = '.status.conditions[?(@.type=="Ready")].reason';
    await eventually(
      "it says so",
      async () => (await read("subscriptions.skiff.dev/nobody", reason)) === "UnknownFunction",
      30_000,
    );
    await assert.rejects(
      applyManifest(declared("Subscription", "aimless", { topic: ORDERS })),
      /exactly one of function, url and flow/,
    );
    await assert.rejects(
      applyManifest(declared("Subscription", "Wrong.Name", { topic: ORDERS, function: "missing" })),
      /Wrong\.Name/,
    );
  });

  it("are managed through the same address as they are published to", async () => {
    const response = await skiff.send(`/topic/${ORDERS}`);
    assert.equal(response.status, 200);
    const { name } = (await response.json()) as { name: string };
    assert.equal(name, ORDERS);
    assert.equal((await fetch(`${skiff.events}/topic/${ORDERS}`)).status, 401);
  });

  it("answer who calls them, and the gateway, with the reply of a subscriber", async () => {
    await applyManifest(declared("Topic", "pings", { paths: ["/pings"], access: "public" }));
    await applyManifest(declared("Subscription", "pong", { topic: "pings", function: "ponger" }));
    await eventually(
      "the gateway answers",
      async () => (await fetch(`${skiff.events}/gateway/pings/x`)).status === 200,
      30_000,
    );
    const response = await fetch(`${skiff.events}/gateway/pings/hello`, { method: "PUT", body: "ping" });
    assert.deepEqual([response.status, response.headers.get("x-pong")], [200, "yes"]);
    assert.match(await response.text(), /^pong PUT .*\/hello$/);
    const called = await skiff.send("/topic/pings/call?timeout=20s", { method: "POST", body: "ping" });
    assert.equal(called.status, 200);
    assert.match(await called.text(), /^pong /);
  });
});
