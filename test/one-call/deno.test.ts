import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const WHO = `
  const id = crypto.randomUUID();
  let calls = 0;
  export default async (request) => {
    calls++;
    const text = await request.text();
    return Response.json({ id, calls, length: text.length });
  };
`;

interface Who {
  readonly id: string;
  readonly calls: number;
  readonly length: number;
}

describe("a function with an instance for each call, behind two routers", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff({ workers: 2 });
  });
  after(() => skiff.close());

  const who = async (name: string, init: RequestInit = {}): Promise<Who> => {
    const response = await fetch(`${skiff.url}/fn/${name}`, init);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Who;
  };
  const states = async (name: string): Promise<string[]> => {
    const response = await fetch(`${skiff.url}/func/${name}`);
    const { instances } = (await response.json()) as { instances: { state: string }[] };
    return instances.map(({ state }) => state);
  };

  /** Calls that waited may leave more than the pool, for half a minute. */
  const isUnused = (all: readonly string[], least: number) =>
    all.length >= least && all.every((state) => state === "ready");

  it("answers each call with another instance", async () => {
    const { status, body } = await skiff.deploy("fresh", WHO, "isolation=call");
    assert.equal(status, 201, JSON.stringify(body));
    const seen = new Set<string>();
    for (let call = 0; call < 5; call++) {
      const { id, calls } = await who("fresh");
      assert.equal(calls, 1);
      seen.add(id);
    }
    assert.equal(seen.size, 5);
    await eventually("unused instances are left", async () => isUnused(await states("fresh"), 1));
  });

  it("keeps as many unused instances as its pool has", async () => {
    await skiff.deploy("pool", WHO, "isolation=call&pool=3&max=4");
    await eventually("three wait", async () => (await states("pool")).join() === "ready,ready,ready");
    const answers = await Promise.all(Array.from({ length: 16 }, () => who("pool")));
    assert.equal(new Set(answers.map(({ id }) => id)).size, 16);
    assert.ok(answers.every(({ calls }) => calls === 1));
    const metrics = async () => await (await fetch(`${skiff.url}/metrics`)).text();
    await eventually("the metrics show the pool", async () => {
      return /^skiff_call_pool_unused\{function="pool"\} [3-9]$/m.test(await metrics());
    });
    assert.match(await metrics(), /^skiff_call_pool_misses_total\{function="pool"\} \d+$/m);
    await eventually("the pool is full again", async () => isUnused(await states("pool"), 3));
  });

  it("takes asynchronous calls the same way", async () => {
    await skiff.deploy("async", WHO, "isolation=call");
    const calls = Array.from({ length: 6 }, async () => {
      const accepted = await fetch(`${skiff.url}/async/fn/async`, { method: "POST", body: "later" });
      assert.equal(accepted.status, 202);
      const result = `${skiff.url}${new URL(accepted.headers.get("location")!, skiff.url).pathname}/result`;
      let response = await fetch(result);
      await eventually("the call is done", async () => {
        if (response.status !== 200) response = await fetch(result);
        return response.status === 200;
      });
      return (await response.json()) as Who;
    });
    const answers = await Promise.all(calls);
    assert.ok(answers.every(({ calls, length }) => calls === 1 && length === 5));
    assert.equal(new Set(answers.map(({ id }) => id)).size, 6);
  });

  it("stops its pool when the function is idle, and starts again for a call", async () => {
    await skiff.deploy("idle", WHO, "isolation=call&pool=2&idle=300ms");
    await eventually("no instance is left", async () => (await states("idle")).length === 0);
    assert.equal((await who("idle")).calls, 1);
  });

  it("passes bodies whole, with and without a length", async () => {
    await skiff.deploy("bodies", WHO, "isolation=call&pool=2");
    const body = "x".repeat(300_000);
    assert.equal((await who("bodies", { method: "POST", body })).length, 300_000);
    const stream = new Blob([body]).stream();
    const init = { method: "POST", body: stream, duplex: "half" };
    assert.equal((await who("bodies", init as RequestInit)).length, 300_000);
    assert.equal((await who("bodies", { method: "POST", body: "short" })).length, 5);
  });
});
