import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

interface Description {
  readonly state: { readonly canCall: boolean; readonly reason: string };
  readonly traffic: readonly { version: number; weight: number }[];
  readonly lastDeploys: readonly { version: number; by: string; message?: string }[];
  readonly lastHour: { calls: number; errors: number; p50Ms?: number; p95Ms?: number };
  readonly lastFailures: readonly { callId: string; version: number; status: number; text: string }[];
  readonly lastRollback?: { readonly at: string; readonly reason: string };
}

const GOOD = `export default () => new Response("good");`;
const BAD = `export default () => { throw new Error("bad"); };`;

describe("the guard of traffic and the description of a function, on one machine", function () {
  this.timeout(90_000);
  let dataFolder: string;
  let skiff: StartedSkiff;
  before(async () => {
    dataFolder = mkdtempSync(join(tmpdir(), "skiff-guard-"));
    skiff = await startedSkiff({ dataFolder });
  });
  after(async () => {
    await skiff.close();
    rmSync(dataFolder, { recursive: true, force: true });
  });

  const describeIt = async () => (await (await fetch(`${skiff.url}/func/hello`)).json()) as Description;
  const call = async () => {
    const response = await fetch(`${skiff.url}/fn/hello`);
    await response.arrayBuffer();
    return response;
  };
  const text = async (path: string) => (await fetch(`${skiff.url}${path}`)).text();

  it("says whether it can be called, and who deployed it why", async () => {
    await skiff.deploy("hello", GOOD, "message=first&idle=1s");
    const { state, lastDeploys, lastHour } = await describeIt();
    assert.deepEqual(state, { canCall: true, reason: "1 instance is ready." });
    assert.deepEqual(
      lastDeploys.map(({ version, by, message }) => [version, by, message]),
      [[1, "local", "first"]],
    );
    assert.equal(lastHour.calls, 0);
    await eventually("it is idle", async () => {
      return (await describeIt()).state.reason === "No instance runs: the next call starts one.";
    });
  });

  it("takes a failing version back, and says why in the description, the log and a metric", async () => {
    for (let i = 0; i < 20; i++) await call();
    await skiff.deploy("hello", BAD, "message=second&traffic=0");
    const guard = { errorRate: 0.1, calls: 20 };
    const body = JSON.stringify({ weights: { 1: 50, 2: 50 }, guard });
    const headers = { "content-type": "application/json" };
    const changed = await fetch(`${skiff.url}/func/hello/traffic`, { method: "PUT", body, headers });
    assert.equal(changed.status, 200);
    let failed: Response | undefined;
    await eventually(
      "version 1 has all calls again",
      async () => {
        const response = await call();
        if (response.status === 500) failed = response;
        const { traffic } = await describeIt();
        return traffic.length === 1 && traffic[0]!.version === 1;
      },
      30_000,
    );
    assert.ok(failed);
    const callId = failed.headers.get("x-skiff-call-id")!;
    await eventually("the failures are stored", async () => {
      const { lastFailures, lastHour } = await describeIt();
      return lastHour.errors > 0 && lastFailures.some((failure) => failure.callId === callId);
    });
    const { lastFailures, lastHour, lastRollback, state } = await describeIt();
    const { version, status, text: line } = lastFailures.find((failure) => failure.callId === callId)!;
    assert.deepEqual([version, status], [2, 500]);
    assert.match(line, /^GET \/fn\/hello 500 in /);
    assert.ok(lastHour.calls >= 20 && lastHour.p50Ms! > 0 && lastHour.p95Ms! >= lastHour.p50Ms!);
    assert.match(lastRollback!.reason, /^version 2 of hello lost its traffic to version 1: \d+ of its/);
    assert.equal(state.canCall, true);
    assert.ok((await text("/func/hello/logs?search=lost%20its%20traffic")).includes(lastRollback!.reason));
    assert.match(await text("/metrics"), /^skiff_guard_rollbacks_total 1$/m);
  });

  it("keeps that across a restart", async () => {
    const before = await describeIt();
    await skiff.close();
    skiff = await startedSkiff({ dataFolder });
    const { traffic, lastRollback, lastHour } = await describeIt();
    assert.deepEqual(traffic, before.traffic);
    assert.deepEqual(lastRollback, before.lastRollback);
    assert.ok(lastHour.calls >= before.lastHour.calls);
    assert.equal((await call()).status, 200);
  });
});
