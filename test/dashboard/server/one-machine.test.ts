import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { SkiffProgram } from "../../support/skiff/skiff-program.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

const TOKEN = "a-token-for-the-tests";
/** Answers what the instance got. */
const ECHO = `export default (request) => new Response(
  JSON.stringify({ url: request.url, headers: Object.fromEntries(request.headers) }),
  { status: 418, headers: { "set-cookie": "a=b", "content-type": "text/html" } });`;

for (const { title, workers, env } of [
  { title: "on loopback", workers: 1, env: {} },
  { title: "with workers and a token", workers: 2, env: { SKIFF_TOKEN: TOKEN } },
])
  describe(`the dashboard of one machine, ${title}`, function () {
    this.timeout(60_000);
    let skiff: StartedSkiff;
    let base: string;
    let key: string;
    before(async () => {
      skiff = await startedSkiff({ dashboardPort: 0, workers, env });
      const url = new URL(skiff.dashboardUrl!);
      base = url.origin;
      const login = /^#login=([\w-]{43})$/.exec(url.hash)![1];
      const body = JSON.stringify({ login });
      const session = await fetch(`${base}/session`, { method: "POST", body });
      assert.equal(session.status, 200);
      ({ key } = (await session.json()) as { key: string });
      assert.equal((await fetch(`${base}/session`, { method: "POST", body })).status, 401);
    });
    after(() => skiff.close());

    /** As a page of the dashboard does. */
    const api = (path: string, init: RequestInit = {}) => {
      const headers = { authorization: `Bearer ${key}`, origin: base, "sec-fetch-site": "same-origin" };
      return fetch(`${base}/api${path}`, { ...init, headers: { ...headers, ...init.headers } });
    };

    it("signs in with a key of every scope that ends in a week", async () => {
      const who = (await (await api("/whoami")).json()) as Record<string, unknown>;
      assert.match(String(who.by), /^key dashboard \(k/);
      assert.deepEqual(who.scopes, ["call", "read", "deploy", "run", "admin"]);
      assert.equal(who.dashboard, base);
      const made = (await (await api(`/key/${who.keyId}`)).json()) as Record<string, string>;
      const leftMs = Date.parse(made.expiresAt!) - Date.now();
      assert.ok(Math.abs(leftMs - 7 * 86_400_000) < 60_000, made.expiresAt);
      const audit = await (await api("/audit")).text();
      assert.ok(!audit.includes(key));
    });

    it("deploys, and calls without the credential of the page", async () => {
      const deployed = await api("/func?name=echo", { method: "POST", body: ECHO });
      assert.equal(deployed.status, 201);
      const { url } = (await deployed.json()) as { url: string };
      assert.equal(url, `${skiff.url}/fn/echo`);
      for (const withKey of [false, true]) {
        const attempt = { method: "GET", path: "/fn/echo/x?y", headers: [["x-own", "1"]], withKey };
        const headers = {
          authorization: `Bearer ${key}`,
          "x-skiff-try": Buffer.from(JSON.stringify(attempt)).toString("base64url"),
        };
        const answer = await fetch(`${base}/try`, { method: "POST", headers });
        assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [200, null]);
        const text = Buffer.from(answer.headers.get("x-skiff-try-answer")!, "base64url").toString();
        const envelope = JSON.parse(text) as { status: number; headers: [string, string][] };
        assert.equal(envelope.status, 418);
        assert.ok(envelope.headers.some(([name, value]) => /^set-cookie$/i.test(name) && value === "a=b"));
        const got = await answer.text();
        assert.ok(!got.includes(key), got);
        const echoed = JSON.parse(got) as { url: string; headers: Record<string, string> };
        assert.equal(echoed.url, `${skiff.url}/x?y`);
        assert.deepEqual([echoed.headers["x-own"], echoed.headers.origin], ["1", undefined]);
      }
    });

    /** The answer of `/try`, and the status that the call got. */
    const tried = async (text: string, path: string) => {
      const attempt = Buffer.from(JSON.stringify({ method: "POST", path })).toString("base64url");
      const headers = { authorization: `Bearer ${text}`, "x-skiff-try": attempt };
      const answer = await fetch(`${base}/try`, { method: "POST", headers });
      const envelope = answer.headers.get("x-skiff-try-answer");
      if (envelope === null) return [answer.status, null];
      return [answer.status, JSON.parse(Buffer.from(envelope, "base64url").toString()).status];
    };

    it("does nothing for what has the form of a credential alone", async () => {
      // Without an issuer the API of a machine takes what is no key for the user of the machine.
      for (const forged of [`sk_kaaaaaaaaa_${"A".repeat(43)}`, "eyJa.b.c", "guess"]) {
        const headers = { authorization: `Bearer ${forged}` };
        assert.equal((await fetch(`${base}/api/key`, { headers })).status, 401, forged);
        assert.deepEqual(await tried(forged, "/fn/echo"), [401, null], forged);
      }
    });

    it("tries with the rights of the key what is not a call of a public function", async () => {
      const inner = await api("/func?name=inner&access=internal", { method: "POST", body: ECHO });
      assert.equal(inner.status, 201);
      const body = JSON.stringify({ name: "narrow", scopes: ["read"], functions: ["echo"] });
      const made = await api("/key", {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      });
      assert.equal(made.status, 201, await made.clone().text());
      const { key: narrow } = (await made.json()) as { key: string };
      assert.deepEqual(await tried(narrow, "/async/fn/inner"), [200, 403]);
      assert.deepEqual(await tried(narrow, "/fn/inner"), [200, 404]);
      assert.deepEqual(await tried(key, "/async/fn/inner"), [200, 202]);
    });

    it("follows events and logs as they come, and signs out", async () => {
      assert.equal((await api("/topic/orders", { method: "PUT", body: "{}" })).status, 201);
      const aborting = new AbortController();
      const headers = { accept: "text/event-stream" };
      const tail = await api("/topic/orders/events?follow=1", { headers, signal: aborting.signal });
      assert.equal(tail.status, 200);
      let text = "";
      const reading = (async () => {
        for await (const chunk of tail.body!) text += Buffer.from(chunk).toString();
      })();
      const json = { "content-type": "application/json" };
      const published = await api("/topic/orders", { method: "POST", body: '{"n":1}', headers: json });
      assert.equal(published.status, 202);
      await eventually("the event is there", () => text.includes('"n":1'));
      aborting.abort();
      await assert.rejects(reading);
      const { keyId } = (await (await api("/whoami")).json()) as { keyId: string };
      assert.equal((await api(`/key/${keyId}`, { method: "DELETE" })).status, 200);
      assert.equal((await api("/whoami")).status, 401);
    });
  });

describe("a start of the dashboard", function () {
  this.timeout(60_000);
  let folder: string;
  const programs: SkiffProgram[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-dashboard-"));
  });
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = (options: ConstructorParameters<typeof SkiffProgram>[1]) => {
    const program = new SkiffProgram(join(folder, "data"), options);
    programs.push(program);
    return program;
  };

  it("is left out with --no-dashboard", async () => {
    const program = start({ args: ["--no-dashboard"] });
    const url = await program.url();
    const who = (await (await fetch(`${url}/whoami`)).json()) as object;
    assert.ok(!("dashboard" in who));
    assert.doesNotMatch(program.output, /dashboard:/);
  });

  it("prints a URL with a login, and fails for a port in use that somebody chose", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    try {
      const program = start({});
      await program.url();
      await eventually("it is printed", () => program.output.includes("dashboard: "));
      assert.match(program.output, /^ {2}dashboard: http:\/\/127\.0\.0\.1:\d+\/#login=[\w-]{43}$/m);
      await program.close();
      const failed = start({ env: { SKIFF_DASHBOARD_PORT: String(port) } });
      assert.equal(await failed.ended(), 1);
      assert.match(failed.output, new RegExp(`port ${port} of 127.0.0.1 is in use: choose another one`));
    } finally {
      taken.close();
    }
  });

  it("goes without one if the usual port is in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port: dashboardPort } = taken.address() as { port: number };
    const skiff = await startedSkiff({ dashboardPort, isDashboardOptional: true });
    assert.equal(skiff.dashboardUrl, undefined);
    assert.match(skiff.lines.join("\n"), /dashboard: none, because port \d+ of 127\.0\.0\.1 is in use/);
    assert.equal((await fetch(`${skiff.url}/healthz`)).status, 200);
    await skiff.close();
    taken.close();
  });
});
