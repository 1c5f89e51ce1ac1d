import assert from "node:assert/strict";
import { Shares } from "../../manager/usage/shares.ts";
import type { Quota } from "../../platform/settings/quota.ts";
import type { Gate } from "../../router/quota/gate.ts";
import { Gates } from "../../router/quota/gates.ts";
import { seededRandom } from "../support/seeded-random.ts";

const EXCHANGE_MS = 250;
const NAME = "function f";

/** Calls a second that come to each router at a time. */
type Load = (atMs: number) => readonly number[];

interface Ran {
  /** Calls that passed at each router. */
  readonly passed: readonly number[];
  readonly wanted: number;
  /** Most calls in flight together. */
  readonly most: number;
}

/** Routers that share one quota, and the collector that divides it, in simulated time. */
function run(quota: Quota, load: Load, { seconds = 20, callMs = 0 } = {}): Ran {
  const random = seededRandom(7);
  const shares = new Shares();
  const routers = load(0).map((_, index) => ({ name: `r${index}`, gates: new Gates(), passed: 0 }));
  const ends: { readonly atMs: number; readonly gate: Gate }[] = [];
  let usedInMonth = 0;
  let [wanted, most] = [0, 0];
  for (let nowMs = 0; nowMs < seconds * 1_000; nowMs++) {
    while (ends[0] !== undefined && ends[0].atMs <= nowMs) {
      ends.shift()!.gate.leave();
      usedInMonth++;
    }
    for (const [index, router] of routers.entries()) {
      const gate = router.gates.ofFunction("f", quota, nowMs)!;
      // Calls come at random times.
      for (let left = load(nowMs)[index]! / 1_000; random() < left; left--) {
        wanted++;
        if (gate.check(nowMs) !== undefined) continue;
        gate.enter();
        ends.push({ atMs: nowMs + callMs, gate });
        router.passed++;
      }
    }
    most = Math.max(most, ends.length);
    if (nowMs % EXCHANGE_MS !== 0) continue;
    for (const { name, gates } of routers) {
      gates.apply({ routers: routers.length, allowances: shares.takeAllowances(name) }, nowMs);
      shares.take({ source: name, demands: gates.report(nowMs) }, nowMs);
    }
    const names = routers.map(({ name }) => name);
    shares.divide(names, (name) => (name === NAME ? usedInMonth : 0), nowMs);
  }
  return { passed: routers.map(({ passed }) => passed), wanted, most };
}

const total = ({ passed }: Ran) => passed.reduce((sum, each) => sum + each, 0);

describe("a quota that routers share", () => {
  const quota = { rate: "100/s", burst: 10 };
  const loads: readonly [string, Load][] = [
    ["far too many calls at both", () => [600, 600]],
    ["most calls at one of them", () => [190, 20]],
    ["a few too many, unequally", () => [80, 30]],
    ["all calls at one of them", () => [0, 300]],
    ["far too many at one and some at the other", () => [1_000, 45]],
    ["calls that move every two seconds", (atMs) => (atMs % 4_000 < 2_000 ? [250, 10] : [10, 250])],
    ["five routers", () => [400, 100, 30, 10, 0]],
  ];
  for (const [what, load] of loads) {
    it(`holds its rate within 5 %: ${what}`, () => {
      const calls = total(run(quota, load));
      assert.ok(Math.abs(calls / 2_010 - 1) <= 0.05, `${calls} of 2010`);
    });
  }

  it("refuses next to nothing below its rate, however the calls are spread", () => {
    for (const load of [() => [40, 40], () => [85, 2], () => [0, 90]] satisfies Load[]) {
      const ran = run({ rate: "100/s" }, load);
      assert.ok(total(ran) / ran.wanted >= 0.99, `${total(ran)} of ${ran.wanted}`);
    }
  });

  it("holds slow rates as well", () => {
    const calls = total(run({ rate: "60/m", burst: 5 }, () => [3, 2], { seconds: 300 }));
    assert.ok(Math.abs(calls / 305 - 1) <= 0.05, `${calls} of 305`);
  });

  it("never has more calls at the same time than its limit, and uses it, also while the calls move", () => {
    const limit = 20;
    const load: Load = (atMs) => (atMs % 8_000 < 4_000 ? [200, 10] : [10, 200]);
    const ran = run({ inFlight: limit }, load, { callMs: 200, seconds: 40 });
    assert.ok(ran.most <= limit, `${ran.most} at the same time`);
    // A place serves five calls a second.
    const most = limit * 5 * 40;
    assert.ok(total(ran) >= 0.75 * most, `${total(ran)} of ${most}`);
  });

  it("lets a function with fewer places than routers be called through each of them", () => {
    const ran = run({ inFlight: 1 }, () => [3, 3], { callMs: 10 });
    assert.ok(total(ran) / ran.wanted > 0.9);
  });

  it("holds the calls of a month within 1 %", () => {
    const ran = run({ perMonth: 1_000 }, () => [200, 30], { seconds: 10 });
    assert.ok(total(ran) <= 1_010 && total(ran) >= 950, `${total(ran)}`);
  });
});
