import { deepEqual, equal, match } from "node:assert/strict";
import { isFailing } from "../../../dashboard/web/function/described.ts";
import type { ActiveFunction } from "../../../dashboard/web/functions/activity.ts";
import { conditionOf, inOrder } from "../../../dashboard/web/functions/condition.ts";

function active(of: Partial<ActiveFunction>): ActiveFunction {
  return {
    ...{ name: "hello", version: 1, url: "http://127.0.0.1/fn/hello", ready: 1, runtime: "deno" },
    ...{ updatedAt: "2026-03-28T12:00:00Z", traffic: [{ version: 1, weight: 1 }], instances: [] },
    state: { canCall: true, reason: "1 instance is ready." },
    ...of,
  };
}

/** The last hour with failures in its last step: of all versions, and of those with traffic. */
function hour(of: { readonly errors: number; readonly liveErrors: number }) {
  const steps = (last: number) => [...new Array<number>(29).fill(0), last];
  return {
    lastHour: { calls: 20, liveCalls: 10, ...of },
    series: {
      ...{ calls: steps(20), errors: steps(of.errors), liveErrors: steps(of.liveErrors) },
      p95Ms: new Array<null>(30).fill(null),
    },
  };
}

describe("the condition of a function", () => {
  it("is not failing for failures of a version without traffic", () => {
    const mended = active(hour({ errors: 10, liveErrors: 0 }));
    equal(conditionOf(mended).condition, "ready");
    equal(isFailing(mended.lastHour), false);
  });

  it("is failing for failures of a version with traffic, and counts those alone", () => {
    const broken = active({ name: "z", ...hour({ errors: 10, liveErrors: 4 }) });
    equal(conditionOf(broken).condition, "failing");
    match(conditionOf(broken).why, /^4 of 10 calls failed in the last hour/);
    equal(isFailing(broken.lastHour), true);
    deepEqual(
      inOrder([active({}), broken]).map(({ name }) => name),
      ["z", "hello"],
    );
  });

  it("is known of the answer of an older Skiff, which counts no failures of versions with traffic", () => {
    const { lastHour, series } = hour({ errors: 3, liveErrors: 3 });
    const older = {
      lastHour: { calls: lastHour.calls, errors: lastHour.errors },
      series: { calls: series.calls, errors: series.errors, p95Ms: series.p95Ms },
    } as unknown as Partial<ActiveFunction>;
    equal(conditionOf(active(older)).condition, "ready");
  });

  it("is that it cannot be called where Skiff does not find its code", () => {
    const { name, version, url, ready, updatedAt } = active({ ready: 0 });
    const shown = conditionOf({ name, version, url, ready, updatedAt });
    deepEqual([shown.condition, shown.text, shown.tone], ["blocked", "Not ready", "bad"]);
  });
});
