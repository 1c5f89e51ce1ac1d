import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are read here, member by member.
type Any = any;

const PICKY = `export default { async fetch(request) {
  console.log("attempt " + request.headers.get("skiff-attempt"));
  return new Response("no such order", { status: 404 });
} };`;
const MENDED = PICKY.replace('"no such order", { status: 404 }', '"billed " + await request.text()');

describe("the API of calls and events, with functions that run", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  const send = (method: string, path: string, body?: string) =>
    fetch(`${skiff.url}${path}`, { method, ...(body === undefined ? {} : { body }) });
  const json = async (path: string): Promise<Any> => {
    const answer = await send("GET", path);
    assert.equal(answer.status, 200, path);
    return answer.json();
  };

  it("shows why a call is dead, tries it again when it is mended, and keeps answer and lines", async () => {
    assert.equal((await skiff.deploy("picky", PICKY)).status, 201);
    const accepted = await send("POST", "/async/fn/picky/orders/7?a=b", "seven");
    assert.equal(accepted.status, 202);
    const path = accepted.headers.get("location")!;
    const dead = await json(`${path}?wait=20s`);
    assert.deepEqual([dead.state, dead.path, dead.attempts.length], ["dead", "/orders/7?a=b", 1]);
    assert.match(dead.reason, /404: no such order/);
    assert.deepEqual(
      (await json("/call?state=dead&function=picky")).calls.map((each: Any) => each.id),
      [dead.id],
    );

    assert.equal((await skiff.deploy("picky", MENDED)).status, 200);
    assert.equal((await send("POST", `${path}/retry`)).status, 202);
    const result = await send("GET", `${path}/result?wait=20s`);
    assert.deepEqual([result.status, await result.text()], [200, "billed seven"]);
    assert.deepEqual(
      ["status", "state", "attempts"].map((name) => result.headers.get(`skiff-${name}`)),
      ["200", "done", "2"],
    );
    await eventually("the lines of both attempts are kept", async () => {
      const text = await (await send("GET", `${path}/logs`)).text();
      return /attempt 1\n(?:.*\n)*.*attempt 2\n/.test(text);
    });
    assert.equal((await send("DELETE", path)).status, 200);
    assert.equal((await send("GET", path)).status, 404);
  });

  it("delivers what is published right after a subscription, and repeats it", async () => {
    assert.equal((await skiff.deploy("bill", MENDED)).status, 201);
    assert.equal((await send("PUT", "/subscription/billing", "topic: orders\nfunction: bill\n")).status, 201);
    assert.equal((await send("POST", "/topic/orders", "one")).status, 202);
    const done = async (count: number) => (await json("/subscription/billing")).state.done === count;
    await eventually("the event is delivered", () => done(1));
    assert.equal((await send("POST", "/subscription/billing/replay?from=earliest")).status, 200);
    await eventually("it is delivered again", () => done(2));
    assert.equal((await send("POST", "/subscription/billing/pause")).status, 200);
    assert.equal((await send("POST", "/topic/orders", "two")).status, 202);
    const { state } = await json("/subscription/billing");
    assert.deepEqual([state.paused, state.done, state.lag + state.waiting], [true, 2, 1]);
    assert.equal((await send("POST", "/subscription/billing/resume")).status, 200);
    await eventually("deliveries go on", () => done(3));
  });

  it("runs a schedule by hand", async () => {
    assert.equal((await skiff.deploy("report", MENDED)).status, 201);
    const spec = "cron: '@yearly'\ncall:\n  function: report\n  body: all\n";
    assert.equal((await send("PUT", "/schedule/yearly", spec)).status, 201);
    const run = await send("POST", "/schedule/yearly/run");
    assert.equal(run.status, 202);
    const result = await send("GET", `${run.headers.get("location")}/result?wait=20s`);
    assert.equal(await result.text(), "billed all");
    await eventually("the timer is set", async () => (await json("/schedule/yearly")).state.nextAt !== null);
    const { next, state } = await json("/schedule/yearly");
    assert.equal(next[0], state.nextAt);
  });
});
