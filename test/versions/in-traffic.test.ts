import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const CALLS = 10_000;
const AT_ONCE = 20;
const CHANGES = 50;
/** Longest time of a rollback. */
const ROLLBACK_MS = 1_000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

describe("versions of a function that share its calls", function () {
  this.timeout(180_000);
  let skiff: StartedSkiff;
  let pool: Pool;
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-versions-"));
  const start = async () => {
    skiff = await startedSkiff({ dataFolder: folder });
    pool = new Pool(skiff.url, { connections: AT_ONCE });
  };
  const stop = async () => {
    await pool.close();
    await skiff.close();
  };
  before(start);
  after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const code = (text: string) =>
    `export default (request: Request) =>
      ${JSON.stringify(text)} + (request.headers.get("x-forwarded-prefix") ?? "");`;
  async function deploy(name: string, count: number, settings = ""): Promise<void> {
    for (let version = 1; version <= count; version++) {
      const { body } = await skiff.deploy(name, code(`${version} `), settings);
      assert.equal(body.version, version, JSON.stringify(body));
    }
  }
  async function call(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
    const { statusCode, body } = await pool.request({ path, method, headers });
    return { status: statusCode, text: await body.text() };
  }
  async function manage(
    method: "GET" | "PUT" | "POST",
    path: string,
    json?: object,
  ): Promise<Record<string, unknown>> {
    const init = json && { body: JSON.stringify(json), headers: { "content-type": "application/json" } };
    const response = await fetch(`${skiff.url}/func/${path}`, { method, ...init });
    const answer = (await response.json()) as Record<string, unknown>;
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer;
  }
  /** Makes `count` calls, AT_ONCE at a time, and counts the answers by version. */
  async function callMany(
    count: number,
    one: (index: number) => Promise<Answer>,
  ): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    let next = 0;
    const work = async () => {
      while (next < count) {
        const { status, text } = await one(next++);
        assert.equal(status, 200, text);
        const version = text.split(" ")[0]!;
        counts.set(version, (counts.get(version) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return counts;
  }

  it("get their shares of 10,000 calls within 1 %", async () => {
    await deploy("split", 3);
    await manage("PUT", "split/traffic", { weights: { 1: 60, 2: 30, 3: 10 } });
    const counts = await callMany(CALLS, () => call("/fn/split"));
    for (const [version, percent] of [
      ["1", 60],
      ["2", 30],
      ["3", 10],
    ] as const) {
      const got = (100 * (counts.get(version) ?? 0)) / CALLS;
      assert.ok(
        Math.abs(got - percent) < 1,
        `version ${version} got ${got} % of the calls, not ${percent} %`,
      );
    }
  });

  it("keep a caller for 10,000 calls while weights change for others", async () => {
    await deploy("stay", 2);
    const sticky = { cookie: "visitor" };
    await manage("PUT", "stay/traffic", { weights: { 1: 50, 2: 50 }, sticky });
    const visitors = Array.from({ length: 40 }, (_, index) => `visitor-${index}`);
    const ask = async (visitor: string) =>
      (await call("/fn/stay", { cookie: `theme=dark; visitor=${visitor}` })).text.split(" ")[0]!;
    const first = new Map<string, string>();
    for (const visitor of visitors) first.set(visitor, await ask(visitor));
    const stays = visitors.filter((visitor) => first.get(visitor) === "2");
    assert.ok(stays.length > 5 && stays.length < 35, `${stays.length} of 40 are on version 2`);
    let changes = 0;
    let isDone = false;
    // The weight of version 2 only grows, so nobody who is there has to leave.
    const changing = (async () => {
      for (; !isDone && changes < 49; changes++) {
        await manage("PUT", "stay/traffic", { weights: { 1: 50 - changes, 2: 50 + changes }, sticky });
      }
    })();
    const counts = await callMany(CALLS, async (index) => {
      const text = await ask(stays[index % stays.length]!);
      return { status: 200, text: `${text} ` };
    });
    isDone = true;
    await changing;
    assert.deepEqual([...counts], [["2", CALLS]]);
    assert.ok(changes > 5, `${changes} changes`);
  });

  it("lose no call while the traffic changes 50 times", async () => {
    await deploy("change", 3, "idle=100ms");
    let isDone = false;
    const answered = new Map<string, number>();
    const calling = Array.from({ length: AT_ONCE }, async () => {
      while (!isDone) {
        const { status, text } = await call("/fn/change");
        assert.equal(status, 200, text);
        const version = text.split(" ")[0]!;
        answered.set(version, (answered.get(version) ?? 0) + 1);
      }
    });
    const changing = (async () => {
      try {
        for (let i = 0; i < CHANGES; i++) {
          const weights = [{ 1: 1 }, { 2: 1 }, { 1: 50, 3: 50 }, { 1: 10, 2: 20, 3: 70 }, { 3: 1 }][i % 5]!;
          await manage("PUT", "change/traffic", { weights });
        }
      } finally {
        isDone = true;
      }
    })();
    await Promise.all([changing, ...calling]);
    assert.deepEqual([...answered.keys()].sort(), ["1", "2", "3"]);
    const calls = [...answered.values()].reduce((sum, each) => sum + each, 0);
    assert.ok(calls >= CHANGES, `${calls} calls`);
  });

  it("are called by their number from zero instances, with calls or without", async () => {
    await deploy("named", 2, "idle=100ms");
    const instances = async () => ((await manage("GET", "named")).instances as object[]).length;
    await eventually("none is left", async () => (await instances()) === 0);
    assert.equal((await call("/fn/named@1")).text, "1 /fn/named@1");
    assert.equal((await call("/fn/named@2/a?b")).text, "2 /fn/named@2");
    assert.equal((await call("/fn/named@1/x", {}, "POST")).text, "1 /fn/named@1");
    // Node's parser reads this one.
    assert.equal((await call("/fn/named@1/x|y")).text, "1 /fn/named@1");
    assert.equal((await call("/fn/named")).text, "2 /fn/named");
    for (const version of ["3", "0", "x", ""]) {
      const { status, text } = await call(`/fn/named@${version}/a`);
      assert.deepEqual([status, JSON.parse(text).code], [404, "unknown_version"], version);
    }
    await deploy("hidden", 1, "access=internal");
    for (const path of ["/fn/hidden@1", "/fn/hidden@9"]) {
      const { status, text } = await call(path);
      assert.deepEqual([status, JSON.parse(text).code], [404, "unknown_function"], path);
    }
    const { status, text } = await call("/fn/nobody@1");
    assert.deepEqual([status, JSON.parse(text).code], [404, "unknown_function"]);
  });

  it("are called by their number while the traffic changes, and each call stays with its version", async () => {
    await deploy("pinned-call", 2, "idle=100ms");
    let isDone = false;
    const changing = (async () => {
      for (let i = 0; !isDone; i++)
        await manage("PUT", "pinned-call/traffic", { weights: { [1 + (i % 2)]: 1 } });
    })();
    const counts = await callMany(1_000, () => call("/fn/pinned-call@1/"));
    isDone = true;
    await changing;
    assert.deepEqual([...counts], [["1", 1_000]]);
  });

  it("are previews without calls until they get some", async () => {
    await deploy("preview", 1);
    const { body } = await skiff.deploy("preview", code("2 "), "traffic=0&message=Try");
    assert.deepEqual([body.version, body.url], [2, `${skiff.url}/fn/preview@2`]);
    const again = await skiff.deploy("preview", code("2 "), "traffic=0");
    assert.deepEqual([again.body.version, again.body.unchanged], [2, true]);
    assert.equal((await call("/fn/preview")).text, "1 /fn/preview");
    assert.equal((await call("/fn/preview@2")).text, "2 /fn/preview@2");
    await skiff.deploy("preview", code("2 "), "traffic=10");
    assert.deepEqual((await manage("GET", "preview/traffic")).weights, { 1: 90, 2: 10 });
    await skiff.deploy("preview", code("3 "), "traffic=50");
    assert.deepEqual((await manage("GET", "preview/traffic")).weights, { 1: 45, 2: 5, 3: 50 });
    const { body: first } = await skiff.deploy("first-preview", code("1 "), "traffic=0");
    assert.deepEqual([first.created, first.url], [true, `${skiff.url}/fn/first-preview@1`]);
    assert.equal((await call("/fn/first-preview")).status, 404);
    assert.equal((await call("/fn/first-preview@1")).text, "1 /fn/first-preview@1");
  });

  it("are rolled back to within a second, and to the same one after a restart", async () => {
    const beganMs = performance.now();
    await deploy("back", 3, "idle=100ms");
    const deploysMs = performance.now() - beganMs;
    const instances = async () => ((await manage("GET", "back")).instances as object[]).length;
    await eventually("none is left", async () => (await instances()) === 0);
    const fromMs = performance.now();
    const { version, from, warnings } = await manage("POST", "back/rollback");
    assert.deepEqual([version, from, warnings], [2, 3, []]);
    assert.equal((await call("/fn/back")).text, "2 /fn/back");
    const tookMs = performance.now() - fromMs;
    // On a slow machine three deploys take longer than that, of which a rollback needs one start.
    assert.ok(tookMs < Math.max(ROLLBACK_MS, deploysMs), `the rollback took ${tookMs} ms`);
    assert.equal((await manage("POST", "back/rollback?to=1")).version, 1);
    await manage("PUT", "back/traffic", { weights: { 1: 90, 3: 10 }, sticky: { header: "X-Tenant" } });
    const before = await manage("GET", "back/traffic");
    assert.deepEqual(before.sticky, { header: "x-tenant" });
    await stop();
    await start();
    assert.deepEqual(await manage("GET", "back/traffic"), before);
    assert.equal((await manage("POST", "back/rollback")).version, 1);
    assert.equal((await manage("POST", "back/rollback")).version, 2);
  });
});
