import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

const NAME = "dashboard-echo";
const ECHO = `export default async (request) => new Response(
  JSON.stringify({ url: request.url, body: await request.text(), headers: Object.fromEntries(request.headers) }),
  { status: 418, headers: { "set-cookie": "a=b" } });`;

describe("the dashboard on the cluster", () => {
  let skiff: Installation;
  let base: string;
  before(async () => {
    skiff = await Installation.install();
    const service = ["service", "-n", "skiff", "skiff-dashboard", "-o", "jsonpath={.spec.clusterIP}"];
    base = `http://${await kubectl("get", ...service)}`;
  });
  after(async () => {
    await skiff.remove(NAME);
    await skiff.manage("/topic/dashboard-orders", { method: "DELETE" });
    await skiff.close();
  });

  const api = (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${skiff.token}`, origin: base, "sec-fetch-site": "same-origin" };
    return fetch(`${base}/api${path}`, { ...init, headers: { ...headers, ...init.headers } });
  };
  const attempt = (envelope: object, body: string) => {
    const text = Buffer.from(JSON.stringify(envelope)).toString("base64url");
    const headers = { authorization: `Bearer ${skiff.token}`, "x-skiff-try": text };
    return fetch(`${base}/try`, { method: "POST", headers, body });
  };
  const answerOf = ({ headers }: Response) =>
    JSON.parse(Buffer.from(headers.get("x-skiff-try-answer")!, "base64url").toString()) as {
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
    };

  it("serves the page of the image, and nothing of the API without a credential", async () => {
    const page = await fetch(base, { headers: { accept: "text/html" } });
    assert.match(page.headers.get("content-security-policy")!, /frame-ancestors 'none'/);
    const asset = /\/assets\/main-\w+\.js/.exec(await page.text())![0];
    assert.match((await fetch(`${base}${asset}`)).headers.get("cache-control")!, /immutable/);
    assert.equal((await fetch(`${base}/api/func`)).status, 401);
    const config = (await (await fetch(`${base}/session/config`)).json()) as { hasLogin: boolean };
    assert.equal(config.hasLogin, false);
  });

  it("deploys through the manager, and tries a call through the router", async () => {
    const deployed = await api(`/func?name=${NAME}`, { method: "POST", body: ECHO });
    assert.equal(deployed.status, 201, await deployed.text());
    const answer = await attempt({ method: "POST", path: `/fn/${NAME}/x?y`, withKey: true }, "text");
    assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [200, null]);
    const { status, headers } = answerOf(answer);
    assert.equal(status, 418);
    assert.ok(headers.some(([name]) => name.toLowerCase() === "set-cookie"));
    const got = await answer.text();
    assert.equal((JSON.parse(got) as { body: string }).body, "text");
    assert.ok(!got.includes(skiff.token));
  });

  it("publishes and follows events through the program of events", async () => {
    const topic = "/topic/dashboard-orders";
    assert.equal((await api(topic, { method: "PUT", body: "{}" })).status, 201);
    const aborting = new AbortController();
    const headers = { accept: "text/event-stream" };
    const tail = await api(`${topic}/events?follow=1`, { headers, signal: aborting.signal });
    let text = "";
    const reading = (async () => {
      for await (const chunk of tail.body!) text += Buffer.from(chunk).toString();
    })().catch(() => {});
    const json = { "content-type": "application/json" };
    assert.equal((await api(topic, { method: "POST", body: '{"n":1}', headers: json })).status, 202);
    await eventually("the event is there", () => text.includes('"n":1'), 30_000);
    aborting.abort();
    await reading;
    const queued = await attempt({ method: "POST", path: `/async/fn/${NAME}` }, "later");
    assert.equal(answerOf(queued).status, 202);
  });

  it("shows the memory of instances, and lists all functions without a request to the API server", async function () {
    this.timeout(300_000);
    const warm = await api(`/func?name=${NAME}&min=1`, { method: "POST", body: ECHO });
    assert.equal(warm.status, 200, await warm.text());
    type Described = { instances: { memoryMiB?: number }[] };
    const isMeasured = async () => {
      const { instances } = (await (await api(`/func/${NAME}`)).json()) as Described;
      return instances.some(({ memoryMiB = 0 }) => memoryMiB > 5 && memoryMiB < 200);
    };
    await eventually("the memory is there", isMeasured, 120_000);
    const isSampled = async () => {
      const answer = await api(`/func/${NAME}/metrics?since=10m`);
      const { points } = (await answer.json()) as { points: { memoryMiB?: number }[] };
      return points.some(({ memoryMiB = 0 }) => memoryMiB > 5);
    };
    await eventually("its samples are stored", isSampled, 120_000);
    // Each manager begins to watch with its first list.
    const list = async () => {
      const answer = await api("/func?detail=activity");
      const { functions } = (await answer.json()) as { functions: { name: string }[] };
      assert.ok(functions.some(({ name }) => name === NAME));
    };
    const reads = async () => {
      const text = await kubectl("get", "--raw", "/metrics");
      const counts =
        /^apiserver_request_total\{.*resource="(pods|deployments|configmaps)".*verb="LIST".*\} (\d+)/gm;
      return [...text.matchAll(counts)].reduce((sum, [, , count]) => sum + Number(count), 0);
    };
    for (let read = 0; read < 10; read++) await list();
    const before = await reads();
    for (let read = 0; read < 60; read++) await list();
    const asked = (await reads()) - before;
    // Other parts of the cluster list as well, but not once for each read.
    assert.ok(asked < 30, `${asked} lists`);
  });

  it("has no credential of the cluster", async () => {
    const pod = ["-n", "skiff", "-l", "app=skiff-dashboard", "-o", "jsonpath={.items[*].spec.volumes}"];
    assert.equal(await kubectl("get", "pods", ...pod), "");
  });
});
