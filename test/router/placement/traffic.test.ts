import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Endpoints, Traffic } from "../../../platform/platform.ts";
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
    const chosen = Array.from({ length: 2_000 }, () => state.choose().version);
    const share = chosen.filter((version) => version === 3).length / chosen.length;
    assert.ok(share > 0.68 && share < 0.82, `version 3 got ${share} of the calls`);
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
