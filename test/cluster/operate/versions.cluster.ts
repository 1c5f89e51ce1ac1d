import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { underLoad } from "../load.ts";

const NAME = "versions-many";
const JSON_TYPE = { "content-type": "application/json" };
const answering = (text: string) => `export default () => ${JSON.stringify(text)};\n`;

describe("versions on the cluster", () => {
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    if ((await skiff.remove(NAME)) === 200) await skiff.nothingIsLeft(NAME);
    for (const text of ["one", "two"]) {
      const { status, body } = await skiff.deploy(NAME, answering(text), `message=Say%20${text}&min=1&max=3`);
      assert.ok(status === 201 || status === 200, JSON.stringify(body));
    }
  });
  after(async () => {
    await skiff.remove(NAME);
    await skiff.close();
  });

  async function post(path: string, init: RequestInit = {}) {
    const answer = await skiff.manage(path, { method: "POST", headers: JSON_TYPE, ...init });
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return JSON.parse(text) as Record<string, unknown>;
  }
  const route = (traffic: object) =>
    post(`/func/${NAME}/traffic`, { method: "PUT", body: JSON.stringify(traffic) });
  const rollback = (to: number) => post(`/func/${NAME}/rollback?to=${to}`);
  const answer = async (headers: Record<string, string> = {}) =>
    await (await skiff.call(NAME, "", { headers })).text();
  /** How often each version answered, of many calls on a few connections. */
  async function answers(count: number): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    const caller = async () => {
      for (let call = 0; call < count / 10; call++) {
        const text = await answer();
        counts[text] = (counts[text] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 10 }, caller));
    return counts;
  }

  it("are listed with who deployed them and why, by every manager", async () => {
    const list = await skiff.manage(`/func/${NAME}/versions`);
    const text = await list.text();
    assert.match(text, /"message":"Say one"/);
    assert.match(text, /"message":"Say two"/);
    assert.match(text, /"by":"token"/);
  });

  it("are rolled back to without a build, within a second", async () => {
    await rollback(1);
    assert.equal(await answer(), "one");
    const times: number[] = [];
    for (let round = 0; round < 4; round++) {
      const to = 2 - (round % 2);
      await skiff.poolIsFull();
      const startedMs = performance.now();
      await rollback(to);
      times.push(performance.now() - startedMs);
      assert.equal(await answer(), to === 1 ? "one" : "two");
    }
    console.log(`      rollbacks took ${times.map((ms) => Math.round(ms)).join(", ")} ms`);
    assert.ok(times.toSorted((a, b) => a - b)[1]! < 1_000, String(times));
  });

  it("are all reached by their number, also without calls and from zero", async () => {
    const { status, body } = await skiff.deploy(NAME, answering("preview"), "traffic=0&min=1&max=3");
    assert.equal(status, 200, JSON.stringify(body));
    const version = body.version as number;
    assert.notEqual(await answer(), "preview");
    for (const [number, text] of [
      [1, "one"],
      [2, "two"],
      [version, "preview"],
    ] as const) {
      const reached = await fetch(`${skiff.router}/fn/${NAME}@${number}`);
      assert.equal(await reached.text(), text);
    }
    assert.equal((await fetch(`${skiff.router}/fn/${NAME}@99`)).status, 404);
  });

  it("share the calls by weight, of both routers together", async () => {
    await route({ weights: { 1: 70, 2: 30 } });
    const counts = await answers(4_000);
    const share = counts.one! / 4_000;
    // Four standard deviations.
    assert.ok(Math.abs(share - 0.7) < 0.029, `the share is ${share}`);
    assert.deepEqual(Object.keys(counts).sort(), ["one", "two"]);
  });

  it("keep a caller with its version at both routers while weights change", async () => {
    const callers = Array.from({ length: 20 }, (_, index) => `caller-${index}`);
    const versionOf = async () =>
      await Promise.all(callers.map((visitor) => answer({ "x-visitor": visitor, connection: "close" })));
    await route({ weights: { 1: 50, 2: 50 }, sticky: { header: "x-visitor" } });
    const first = await versionOf();
    assert.ok(first.includes("one") && first.includes("two"), String(first));
    for (let round = 0; round < 10; round++) assert.deepEqual(await versionOf(), first);
    await route({ weights: { 1: 80, 2: 20 }, sticky: { header: "x-visitor" } });
    const later = await versionOf();
    first.forEach((version, index) => {
      if (version === "one") assert.equal(later[index], "one", "only those move who must");
    });
  });

  /** A cluster without room refuses a change, says so, and has changed nothing. */
  const insist = (change: () => Promise<unknown>) =>
    eventually(
      "there is room for the change",
      async () => {
        try {
          await change();
          return true;
        } catch (error) {
          if (!(error as Error).message.includes('"code":"no_capacity"')) throw error;
          return false;
        }
      },
      240_000,
    );

  it("lose no call while the traffic changes", async function () {
    this.timeout(300_000);
    const { answered, lost } = await underLoad(skiff.router, `/fn/${NAME}`, async () => {
      for (let round = 0; round < 10; round++)
        await insist(() => route({ weights: { 1: 1 + (round % 3), 2: 2 } }));
      await insist(() => rollback(1));
      await skiff.poolIsFull();
      await insist(() => rollback(2));
    });
    assert.deepEqual(lost, {});
    assert.ok(answered > 100);
  });

  it("are guarded by If-Match against another writer, also of another manager", async () => {
    const list = await skiff.manage(`/func/${NAME}`);
    const etag = list.headers.get("etag")!;
    const to = etag === '"1"' ? 2 : 1;
    const writes = await Promise.all(
      [1, 2, 3, 4].map(() =>
        skiff.manage(`/func/${NAME}/rollback?to=${to}`, {
          method: "POST",
          headers: { "if-match": etag, connection: "close" },
        }),
      ),
    );
    const statuses = writes.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 412, 412, 412]);
    const refused = (await writes.find(({ status }) => status === 412)!.json()) as { version: number };
    assert.equal(refused.version, to);
  });

  it("can be pinned", async () => {
    const pinned = await skiff.manage(`/func/${NAME}/versions/1`, {
      method: "PATCH",
      headers: JSON_TYPE,
      body: JSON.stringify({ pinned: true }),
    });
    assert.equal(pinned.status, 200, await pinned.text());
    // The other manager may answer.
    const shown = async () => await (await skiff.manage(`/func/${NAME}/versions/1`)).text();
    await eventually("it is shown", async () => /"pinned":true/.test(await shown()));
  });
});
