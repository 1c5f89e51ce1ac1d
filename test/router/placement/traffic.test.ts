import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Endpoints, Traffic } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import type { RequestHead } from "../../../router/exchange/request.ts";
import { FunctionState } from "../../../router/placement/functions.ts";
import type { Waiter } from "../../../router/placement/version.ts";
import { Gates } from "../../../router/quota/gates.ts";
import { UsageSheet } from "../../../router/usage/usage-sheet.ts";
import { Harness, raw } from "../support/harness.ts";

describe("the traffic of a function", () => {
  const woken: number[] = [];
  beforeEach(() => {
    woken.length = 0;
  });

  /** `instances` says how many each version has. */
  function endpoints(traffic: Traffic, instances: Readonly<Record<number, number>>): Endpoints {
    const versions = Object.entries(instances).map(([version, count]) => ({
      version: Number(version),
      max: 1,
      concurrency: 100,
      timeoutMs: 1_000,
      memoryMiB: 128,
      instances: Array.from({ length: count }, (_, i) => ({
        id: `${version}-${i}`,
        address: { unix: `/nowhere/${version}-${i}` },
      })),
    }));
    return { name: "f", traffic, versions };
  }

  function stateOf(first: Endpoints): FunctionState {
    const wake = (_: string, version: number) => {
      woken.push(version);
      return new Promise<void>(() => {});
    };
    const print = (line: string) => assert.fail(line);
    const platform = { wake, report: () => {} };
    const gates = new Gates();
    const limits = limitsFromEnv({});
    const options = { platform, limits, print, gates, sheet: new UsageSheet(gates) };
    return new FunctionState(first, { ...options, readBuffer: Buffer.alloc(16) }, () => {});
  }

  /** A call that waits, and notes the version that it moves to. */
  function waiter(state: FunctionState, moved: number[]): Waiter {
    return {
      placed: () => assert.fail("there is no instance"),
      refused: (problem) => assert.fail(problem),
      moved: () => moved.push(state.choose().version),
    };
  }

  const one = [{ version: 1, weight: 1 }];
  const split = [
    { version: 2, weight: 1 },
    { version: 3, weight: 3 },
  ];

  it("goes to versions by their weights", () => {
    const state = stateOf(endpoints(split, { 2: 1, 3: 1 }));
    const chosen = Array.from({ length: 10_000 }, () => state.choose().version);
    const share = chosen.filter((version) => version === 3).length / chosen.length;
    assert.ok(Math.abs(share - 0.75) < 0.001, `version 3 got ${share} of the calls`);
  });

  const headWith = (...rawHeaders: string[]) => ({ rawHeaders }) as unknown as RequestHead;

  it("stays with a version by the value of a cookie, and goes by weight without one", () => {
    const state = stateOf({ ...endpoints(split, { 2: 1, 3: 1 }), sticky: { cookie: "id" } });
    const ask = (value: string) =>
      state.choose({ head: headWith("Accept", "*/*", "Cookie", `a=b; id=${value}; id2=c`) }).version;
    const first = Array.from({ length: 2_000 }, (_, index) => ask(`user-${index}`));
    for (const [index, version] of first.entries()) assert.equal(ask(`user-${index}`), version);
    const share = first.filter((version) => version === 3).length / first.length;
    assert.ok(Math.abs(share - 0.75) < 0.03, `version 3 got ${share} of the callers`);
    const without = [headWith(), headWith("cookie", "other=1"), headWith("cookie", "id="), undefined];
    for (const head of without) {
      const seen = new Set(Array.from({ length: 20 }, () => state.choose({ head: head! }).version));
      assert.deepEqual(seen, new Set([2, 3]));
    }
  });

  it("goes to the version that a call names, with or without traffic, unless it is gone", () => {
    const state = stateOf(endpoints(one, { 1: 1, 2: 0 }));
    const named = (version: number) =>
      state.choose({ target: { name: "f", version, path: "/", prefix: "", authority: undefined } });
    assert.equal(named(2).version, 2);
    assert.equal(named(1), state.choose());
    const unknown = { code: "unknown_version" };
    for (const version of [0, 3]) assert.throws(() => named(version), unknown);
    const first = named(1);
    const instance = first.claim()!;
    state.update(endpoints([{ version: 2, weight: 1 }], { 2: 1 }));
    assert.throws(() => named(1), unknown);
    first.release(instance);
    state.remove(new Problem("unknown_function", "gone"));
    assert.throws(() => named(2), { code: "unknown_function" });
  });

  it("takes waiting calls along, each for itself, and wakes no version that it left", () => {
    const state = stateOf(endpoints(one, { 1: 0 }));
    const moved: number[] = [];
    for (let i = 0; i < 200; i++) state.choose().wait(waiter(state, moved));
    assert.deepEqual(woken, [1]);
    state.update(endpoints(split, { 1: 0, 2: 1, 3: 1 }));
    assert.equal(moved.length, 200);
    assert.ok(moved.includes(2) && moved.includes(3));
    assert.deepEqual(woken, [1]);
  });

  it("forgets a version that is gone when its last call has ended", () => {
    const state = stateOf(endpoints(one, { 1: 1 }));
    const first = state.choose();
    const instance = first.claim()!;
    state.update(endpoints([{ version: 2, weight: 1 }], { 2: 1 }));
    assert.equal(state.version(1), first);
    first.release(instance);
    assert.equal(state.version(1), undefined);
  });
});

describe("a client that waits for 100 Continue", () => {
  it("gets it once, also where a place is reserved before the call is sent", async () => {
    const harness = await Harness.start();
    try {
      await harness.serve((request, response) => {
        request.resume();
        request.once("end", () => response.end("done"));
      });
      const head =
        "POST /fn/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
      const answer = await raw(harness.port, `${head}5\r\nhello\r\n0\r\n\r\n`);
      assert.equal(answer.split("HTTP/1.1 100 Continue").length, 2, answer);
      assert.match(answer, /HTTP\/1\.1 200 OK[\s\S]*done/);
    } finally {
      await harness.close();
    }
  });
});
