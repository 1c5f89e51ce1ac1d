import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { OtherSide } from "./other-side.ts";

const SIGNING = "0123456789abcdef0123456789abcdef";
const program = (answer: string) => ({ "main.ts": `export default () => new Response("${answer}");\n` });

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

describe("a mirror that is pulled", function () {
  this.timeout(60_000);
  let other: OtherSide;
  let skiff: StartedSkiff;

  before(async () => {
    other = await OtherSide.start();
    skiff = await startedSkiff({ env: { SKIFF_CALLBACK_HOSTS: other.host, SKIFF_MAX_PUSH: "1Mi" } });
    await send("PUT", "/secret/git-token", other.password);
    await send("PUT", "/secret/hook", SIGNING);
    other.push(program("one"));
  });
  after(async () => {
    await skiff?.close();
    await other?.close();
  });

  async function send(method: string, path: string, body?: unknown, more = {}): Promise<Answer> {
    const isText = typeof body === "string" || body === undefined;
    const headers = { ...(isText ? {} : { "content-type": "application/json" }), ...more };
    const text = isText ? body : JSON.stringify(body);
    const response = await fetch(`${skiff.url}${path}`, { method, headers, ...(text ? { body: text } : {}) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  const mirror = (more = {}) => ({
    ...{ url: other.url, direction: "pull", secret: "git-token", webhookSecret: "hook", ...more },
  });
  const answerOf = async (name: string) => (await fetch(`${skiff.url}/fn/${name}`)).text();
  const last = async () =>
    ((await send("GET", "/git/hello")).body.mirror as { last: Record<string, unknown> }).last;

  /** A delivery as GitHub sends it. */
  async function deliver(payload: object, { secret = SIGNING, event = "push" } = {}): Promise<Answer> {
    const text = JSON.stringify(payload);
    const signature = `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`;
    return await send("POST", "/git/hello/hook", text, {
      ...{ "content-type": "application/json", "x-github-event": event, "x-hub-signature-256": signature },
    });
  }

  it("creates the repository, and the function when it is fetched", async () => {
    const { status, body } = await send("PUT", "/git/hello/mirror", mirror());
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.webhook, `${skiff.url}/git/hello/hook`);
    const synced = await send("POST", "/git/hello/sync");
    assert.equal(synced.status, 200, JSON.stringify(synced.body));
    assert.deepEqual([synced.body.result, synced.body.commit], ["deployed", other.head()]);
    assert.equal(await answerOf("hello"), "one");
    assert.equal((await send("GET", "/git/hello")).body.head, other.head());
    assert.equal((await send("POST", "/git/hello/sync")).body.result, "unchanged");
  });

  it("is not moved by forged, unsigned and other deliveries", async () => {
    const after = other.push(program("forged"));
    const before = other.requests;
    const payload = { ref: "refs/heads/main", after };
    assert.equal((await deliver(payload, { secret: "0123456789abcdef!" })).status, 401);
    assert.equal((await send("POST", "/git/hello/hook", payload)).status, 401);
    assert.equal((await send("POST", "/git/other/hook", payload, { "x-gitlab-token": SIGNING })).status, 401);
    const feature = await deliver({ ref: "refs/heads/feature", after });
    assert.deepEqual([feature.status, feature.body.result], [200, "ignored"]);
    assert.deepEqual([other.requests, await answerOf("hello")], [before, "one"]);
  });

  it("deploys what a signed webhook announces, once", async () => {
    assert.deepEqual((await deliver({ zen: "Design for failure." }, { event: "ping" })).body, {
      result: "pong",
    });
    const pulls = () => skiff.lines.filter((line) => line.includes("mirrored hello:")).length;
    const before = pulls();
    const after = other.push(program("two"));
    const payload = { ref: "refs/heads/main", after };
    const answers = await Promise.all([deliver(payload), deliver(payload), deliver(payload)]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202, 202],
    );
    await eventually("the push is deployed", async () => (await answerOf("hello")) === "two");
    await eventually("its end is stored", async () => (await last()).commit === after);
    assert.equal((await last()).error, undefined);
    const { body } = await send("GET", "/func/hello/versions");
    assert.equal((body.versions as unknown[]).length, 2);
    await eventually("the pull is printed", () => pulls() > before);
    assert.ok(pulls() <= before + 2, skiff.lines.join("\n"));
  });

  it("goes on after a roll-back here, and keeps both histories", async () => {
    const rolled = await send("POST", "/func/hello/rollback");
    assert.equal(rolled.status, 200, JSON.stringify(rolled.body));
    const head = other.push(program("three"));
    const { body } = await send("POST", "/git/hello/sync");
    assert.equal(body.result, "deployed", JSON.stringify(body));
    assert.equal(await answerOf("hello"), "three");
    const { commits } = (await send("GET", "/git/hello/commits")).body as { commits: { id: string }[] };
    assert.ok(commits.some(({ id }) => id === head));
    assert.equal((await send("POST", "/git/hello/sync")).body.result, "unchanged");
  });

  it("says why what was pushed does not deploy, and lets the old version serve", async () => {
    const broken = other.push({ "main.ts": "export default () => {" });
    const { status, body } = await send("POST", "/git/hello/sync");
    assert.deepEqual([status, body.code], [422, "build_failed"], JSON.stringify(body));
    assert.match(body.detail as string, /main\.ts:1/);
    assert.deepEqual([(await last()).commit, await answerOf("hello")], [broken, "three"]);
    assert.match((await last()).error as string, /main\.ts:1/);
    other.push(program("four"));
    assert.equal((await send("POST", "/git/hello/sync")).status, 200);
    assert.equal(await answerOf("hello"), "four");
  });

  it("does not follow a history that was rewritten there, until it is set again", async () => {
    other.forget();
    other.push(program("five"), { force: true });
    const refused = await send("POST", "/git/hello/sync");
    assert.equal(refused.status, 502);
    assert.match(refused.body.detail as string, /history there was rewritten.*set the mirror again/);
    await send("PUT", "/git/hello/mirror", mirror());
    const unrelated = await send("POST", "/git/hello/sync");
    assert.match(unrelated.body.detail as string, /have no commit in common.*set the mirror with force/);
    assert.equal(await answerOf("hello"), "four");
    await send("PUT", "/git/hello/mirror", mirror({ force: true }));
    assert.equal((await send("POST", "/git/hello/sync")).status, 200);
    assert.equal(await answerOf("hello"), "five");
  });

  it("refuses what is too large before it is deployed", async () => {
    const noise = Buffer.from(Array.from({ length: 3 * 1024 ** 2 }, () => Math.floor(Math.random() * 256)));
    other.push({ "noise.bin": noise });
    const { status, body } = await send("POST", "/git/hello/sync");
    assert.deepEqual(
      [status, /SKIFF_MAX_PUSH/.test(body.detail as string)],
      [502, true],
      JSON.stringify(body),
    );
  });

  it("says that the other side refuses the token, redirects, or has no such branch", async () => {
    const detail = async () => (await send("POST", "/git/hello/sync")).body.detail as string;
    other.password = "robot:changed";
    assert.match(await detail(), /refuses what the secret "git-token" has/);
    assert.ok(other.seen.has("robot:hunter2"));
    assert.ok(!JSON.stringify(await send("GET", "/git/hello")).includes("hunter2"));
    other.password = "robot:hunter2";
    await send("PUT", "/git/hello/mirror", mirror({ branch: "none" }));
    assert.match(await detail(), /no branch "none"/);
    const elsewhere = `http://localhost:${other.host.split(":")[1]}`;
    other.instead = (request, response) =>
      response.writeHead(301, { location: elsewhere + request.url! }).end();
    assert.match(await detail(), /leads to another address/);
    other.instead = undefined;
  });

  it("goes to public addresses alone", async () => {
    for (const url of [
      "http://127.0.0.1:1/x.git",
      "http://localhost/x.git",
      "http://169.254.169.254/x.git",
    ]) {
      const { status, body } = await send("PUT", "/git/hello/mirror", { url, direction: "pull" });
      assert.equal(status, 400);
      assert.match(body.detail as string, /is not a public address: name it in SKIFF_CALLBACK_HOSTS/);
    }
  });

  it("is not set with other members, schemes and secrets", async () => {
    const detail = async (body: object) =>
      (await send("PUT", "/git/hello/mirror", body)).body.detail as string;
    assert.match(await detail(mirror({ depth: 1 })), /"depth" is unknown/);
    assert.match(await detail(mirror({ url: "file:///etc" })), /file: is not supported/);
    assert.match(await detail(mirror({ direction: "both" })), /direction: use pull/);
    assert.match(await detail(mirror({ branch: "-x" })), /not the name of a branch/);
    assert.match(await detail(mirror({ force: "yes" })), /force: use true or false/);
    assert.match(await detail(mirror({ secret: "missing" })), /no secret "missing"/);
    assert.match(await detail(mirror({ url: "http://other.example/x.git" })), /unencrypted/);
    await send("PUT", "/secret/short", "short");
    assert.match(await detail(mirror({ webhookSecret: "short" })), /has 5 characters/);
  });

  it("ends when it is removed", async () => {
    assert.equal((await send("DELETE", "/git/hello/mirror")).status, 200);
    assert.equal((await send("GET", "/git/hello")).body.mirror, null);
    assert.equal((await send("POST", "/git/hello/sync")).body.code, "unknown_mirror");
  });
});
