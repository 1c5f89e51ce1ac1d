import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";

const NAME = "used";
const GOOD = "export default () => 'good';\n";
const BAD = "export default () => { throw new Error('bad'); };\n";
const RATE = 20;
const SECONDS = 10;

interface Description {
  readonly traffic: readonly { version: number }[];
  readonly lastHour?: { readonly calls: number; readonly errors: number };
  readonly lastFailures?: readonly { readonly callId: string }[];
  readonly lastRollback?: { readonly reason: string };
}

describe("usage, quotas and guards on the cluster", function () {
  this.timeout(240_000);
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    if ((await skiff.remove(NAME)) === 200) await skiff.nothingIsLeft(NAME);
    const { status, body } = await skiff.deploy(NAME, GOOD, "min=1");
    assert.equal(status, 201, JSON.stringify(body));
  });
  after(async () => {
    await skiff.remove(NAME);
    await skiff.close();
  });

  const json = async <T>(path: string, init: RequestInit = {}) => {
    const answer = await skiff.manage(path, init);
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return JSON.parse(text) as T;
  };
  const used = async () => {
    const path = `/usage?by=function&function=${NAME}`;
    return (await json<{ total: { calls: number; errors: number } }>(path)).total;
  };
  const describeIt = () => json<Description>(`/func/${NAME}`);
  /** Calls from several clients until `isOver`; returns the statuses with their numbers. */
  async function load(isOver: () => boolean): Promise<Record<number, number>> {
    const counts: Record<number, number> = {};
    const client = async () => {
      while (!isOver()) {
        const { status } = await skiff.call(NAME, "", { headers: { connection: "close" } });
        counts[status] = (counts[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 6 }, client));
    return counts;
  }

  it("counts the calls of every router", async () => {
    const before = await used();
    for (let i = 0; i < 60; i++) {
      assert.equal((await skiff.call(NAME, "", { headers: { connection: "close" } })).status, 200);
    }
    await eventually("they are stored", async () => (await used()).calls === before.calls + 60, 15_000);
  });

  it("holds a rate that the routers share", async () => {
    await skiff.deploy(NAME, GOOD, `min=1&rate=${RATE}`);
    // The first calls tell the manager who wants what.
    const warmUntilMs = performance.now() + 3_000;
    await load(() => performance.now() > warmUntilMs);
    const startMs = performance.now();
    const counts = await load(() => performance.now() > startMs + SECONDS * 1_000);
    const perS = ((counts[200] ?? 0) * 1_000) / (performance.now() - startMs);
    console.log(`      ${perS.toFixed(1)} calls a second passed, ${counts[429] ?? 0} were refused`);
    assert.ok((counts[429] ?? 0) > 0, "there were too many calls");
    assert.ok(Math.abs(perS / RATE - 1) <= 0.05, `${perS} calls a second`);
    await skiff.deploy(NAME, GOOD, "min=1&rate=none");
  });

  it("takes a failing version back and says why", async () => {
    const { version } = await json<{ version: number }>(`/func/${NAME}`);
    const { body } = await skiff.deploy(NAME, BAD, "min=1&traffic=0");
    const fresh = Number((body as { version: number }).version);
    const guard = { errorRate: 0.1, calls: 20 };
    await json(`/func/${NAME}/traffic`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ weights: { [version]: 50, [fresh]: 50 }, guard }),
    });
    let failedId = "";
    await eventually(
      "the version before has all calls",
      async () => {
        const answer = await skiff.call(NAME);
        if (answer.status === 500) failedId = answer.headers.get("x-skiff-call-id") ?? "";
        const { traffic } = await describeIt();
        return traffic.length === 1 && traffic[0]!.version === version;
      },
      60_000,
    );
    await eventually(
      "it is described",
      async () => {
        const { lastRollback, lastFailures = [], lastHour } = await describeIt();
        const isListed = lastFailures.some(({ callId }) => callId === failedId);
        return lastRollback !== undefined && isListed && (lastHour?.errors ?? 0) > 0;
      },
      15_000,
    );
  });
});
