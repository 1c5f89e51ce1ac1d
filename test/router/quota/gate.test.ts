import assert from "node:assert/strict";
import type { Quota } from "../../../platform/settings/quota.ts";
import { Gate } from "../../../router/quota/gate.ts";
import { Gates } from "../../../router/quota/gates.ts";
import { rateLimitFields } from "../../../router/quota/rate-limit.ts";

const OWNER = { kind: "function", name: "f" } as const;
const HOUR_MS = 3_600_000;

function gateOf(quota: Quota, share = 1): Gate {
  return new Gate(OWNER, quota, { allowance: { share }, nowMs: 0 });
}

/** Calls that pass when `perS` come evenly from `fromMs` to `toMs`, and end at once. */
function passed(gate: Gate, perS: number, [fromMs, toMs]: readonly [number, number]): number {
  let count = 0;
  for (let i = 0; i * 1_000 < (toMs - fromMs) * perS; i++) {
    if (gate.check(fromMs + (i * 1_000) / perS) !== undefined) continue;
    gate.enter();
    gate.leave();
    count++;
  }
  return count;
}

describe("router: the gate of a quota", () => {
  it("lets a rate pass, and a burst after a pause", () => {
    const gate = gateOf({ rate: "100/s", burst: 20 });
    assert.equal(passed(gate, 1_000, [0, 1_000]), 119);
    assert.equal(passed(gate, 1_000, [1_000, 2_000]), 100);
    assert.equal(passed(gate, 100_000, [60_000, 60_001]), 20, "the burst and no more");
    assert.equal(passed(gate, 50, [70_000, 80_000]), 500, "less than the rate");
  });

  it("knows rates of minutes, hours and days, with a burst of one call at least", () => {
    assert.equal(passed(gateOf({ rate: "10/m" }), 10, [0, 60_000]), 10);
    assert.equal(passed(gateOf({ rate: "5/h" }), 1, [0, HOUR_MS + 1_000]), 6);
    assert.equal(gateOf({ rate: "1/d" }).check(0), undefined);
  });

  it("holds calls at the same time", () => {
    const gate = gateOf({ inFlight: 2 });
    for (let i = 0; i < 2; i++) {
      assert.equal(gate.check(0), undefined);
      gate.enter();
    }
    assert.equal(gate.check(0), "inFlight");
    gate.leave();
    assert.equal(gate.check(0), undefined);
    assert.deepEqual(gate.report(0), {
      quota: { inFlight: 2 },
      ...{ wanted: 4, passed: 2, full: 1, late: 0, tokens: 0, inFlight: 1 },
    });
  });

  it("counts down what is left of the month, from what the collector says", () => {
    const gate = gateOf({ perMonth: 5 });
    assert.equal(passed(gate, 10, [0, 1_000]), 5);
    assert.equal(gate.check(0), "perMonth");
    gate.report(0);
    gate.apply({ share: 1, left: 3 }, 0);
    assert.equal(passed(gate, 2, [0, 1_000]), 2);
    // Computed from the report before these two calls.
    gate.apply({ share: 1, left: 3 }, 0);
    assert.equal(passed(gate, 10, [0, 1_000]), 1);
  });

  it("asks to come back soon while other routers have calls of the month left", () => {
    const gate = gateOf({ perMonth: 5 });
    gate.apply({ share: 0.5, left: 0, allLeft: 2 }, 0);
    assert.equal(gate.check(0), "perMonth");
    assert.deepEqual([gate.remaining("perMonth"), gate.resetMs("perMonth", HOUR_MS)], [0, 1_000]);
    gate.apply({ share: 0.5, left: 0, allLeft: 0 }, 0);
    assert.equal(gate.resetMs("perMonth", HOUR_MS), HOUR_MS);
  });

  it("uses its share of everything, but always has room for one call", () => {
    assert.equal(passed(gateOf({ rate: "100/s" }, 0.25), 1_000, [0, 10_000]), 25 + 249);
    assert.equal(gateOf({ rate: "100/s", inFlight: 1 }, 0).check(0), undefined);
    const gate = gateOf({ inFlight: 10 }, 0.5);
    gate.apply({ share: 1, inFlight: 10 }, 0);
    for (let i = 0; i < 10; i++) {
      assert.equal(gate.check(0), undefined);
      gate.enter();
    }
    gate.apply({ share: 0, inFlight: 1 }, 0);
    assert.equal(gate.check(0), "inFlight");
  });

  it("applies another quota at once, and keeps what is in flight", () => {
    const gate = gateOf({ rate: "1/s", inFlight: 5 });
    gate.check(0);
    gate.enter();
    gate.change({ rate: "100/s", inFlight: 1 }, 1_000);
    assert.equal(gate.check(1_000), "inFlight");
    gate.change({ rate: "100/s" }, 1_000);
    assert.ok(passed(gate, 1_000, [1_000, 2_000]) >= 100);
  });
});

describe("router: the gates of functions and keys", () => {
  it("start with an equal share where several routers are known, or with what the collector has for them", () => {
    const gates = new Gates();
    gates.apply({ routers: 4, allowances: { "key k1": { share: 0.75 } } }, 0);
    const quota = { rate: "100/s" };
    const [ofFunction, ofKey] = gates.on(gates.ofFunction("f", quota, 0), { id: "k1", quota }, 0) as [
      Gate,
      Gate,
    ];
    assert.equal(passed(ofFunction, 1_000, [0, 10]), 10);
    assert.equal(passed(ofFunction, 100_000, [0, 1]), 15);
    assert.equal(passed(ofKey, 100_000, [0, 1]), 75);
  });

  it("belong to a function as long as it has a quota, and to a key until it is unused", () => {
    const gates = new Gates();
    const first = gates.ofFunction("f", { rate: "1/s" }, 0);
    assert.equal(gates.ofFunction("f", { rate: "2/s" }, 0), first);
    assert.equal(gates.ofFunction("f", {}, 0), undefined);
    assert.notEqual(gates.ofFunction("f", { rate: "1/s" }, 0), first);
    const key = { id: "k1", quota: { rate: "1/s" } };
    const [ofKey] = gates.on(undefined, key, 0);
    assert.deepEqual(gates.on(undefined, key, 0), [ofKey]);
    assert.deepEqual(gates.on(undefined, { id: "k2" }, 0), []);
    gates.report(0);
    gates.report(HOUR_MS);
    assert.notEqual(gates.on(undefined, key, 0)[0], ofKey);
  });
});

describe("router: a quota of the month that comes later", () => {
  const owner = { kind: "function", name: "f" } as const;

  it("counts the calls before it, those that the collector has and those that it does not have", () => {
    const gates = new Gates();
    gates.apply({ routers: 1, allowances: {}, used: { "function f": 1, "key k1": 4 } }, 0);
    gates.apply({ routers: 1, allowances: {}, usedSince: { "function f": 2 } }, 0);
    gates.uncollected = ({ kind }) => (kind === owner.kind ? 1 : 0);
    assert.equal(gates.ofFunction("f", { perMonth: 3 }, 0)!.check(0), "perMonth");
    assert.equal(gates.ofFunction("f", { perMonth: 5 }, 0)!.remaining("perMonth"), 2);
    const key = (quota: Quota) => gates.on(undefined, { id: "k1", quota }, 0)[0]!;
    assert.equal(key({ rate: "9/s" }).check(0), undefined);
    assert.equal(key({ rate: "9/s", perMonth: 4 }).check(0), "perMonth");
  });

  it("is reported without a call, and applies no order for the limit before", () => {
    const gate = gateOf({ perMonth: 5 });
    assert.equal(passed(gate, 3, [0, 1_000]), 3);
    gate.report(0);
    gate.change({ perMonth: 2 }, 0, 3);
    gate.apply({ share: 1, left: 2, perMonth: 5 }, 0);
    assert.equal(gate.check(0), "perMonth");
    gate.report(0);
    gate.change({ perMonth: 4 }, 0, 3);
    assert.deepEqual(gate.report(0)?.quota, { perMonth: 4 });
    assert.equal(gate.report(0), undefined);
    gate.change({}, 0, 3);
    gate.apply({ share: 1, left: 0, perMonth: 4 }, 0);
    assert.equal(gate.check(0), undefined, "no limit at all");
  });
});

describe("router: RateLimit fields", () => {
  it("name each policy with its quota, what remains and when it resets", () => {
    const gate = gateOf({ rate: "10/m", burst: 3, inFlight: 2, perMonth: 100 });
    gate.check(0);
    gate.enter();
    const fields = rateLimitFields([gate], new Date("2026-11-30T23:59:00Z"));
    assert.deepEqual(fields, [
      "ratelimit-policy",
      `"function-rate";q=10;w=60, "function-in-flight";q=2;qu="concurrent-requests", "function-month";q=100;w=2592000`,
      "ratelimit",
      `"function-rate";r=2;t=0, "function-in-flight";r=1;t=0, "function-month";r=99;t=60`,
    ]);
    gate.enter();
    gate.change({ rate: "10/m", burst: 3, perMonth: 50 }, 0);
    assert.deepEqual(rateLimitFields([gate], new Date("2026-12-01T00:00:00Z")), [
      "ratelimit-policy",
      `"function-rate";q=10;w=60, "function-month";q=50;w=2678400`,
      "ratelimit",
      `"function-rate";r=1;t=0, "function-month";r=48;t=2678400`,
    ]);
  });
});
