import assert from "node:assert/strict";
import { stateOf } from "../../../manager/api/describe/function-state.ts";
import { defaultSettings, type Settings } from "../../../platform/settings/settings.ts";
import { LIMITS } from "../started-manager.ts";

const NOW = new Date("2026-11-29T14:00:00Z");

describe("manager: whether a function can be called", () => {
  const described = (more: Partial<Parameters<typeof stateOf>[0]>, settings: Partial<Settings> = {}) => ({
    name: "hello",
    ready: 0,
    traffic: [{ version: 1, weight: 1 }],
    settings: { ...defaultSettings(LIMITS), ...settings },
    ...more,
  });

  it("is answered with the reason", () => {
    const quota = { perMonth: 10 };
    const rows: [Parameters<typeof stateOf>[0], boolean, RegExp][] = [
      [described({ ready: 2 }), true, /^2 instances are ready\.$/],
      [described({}), true, /^No instance runs: the next call starts one\.$/],
      [described({ traffic: [], ready: 1 }), false, /^No version takes calls/],
      [described({ notReady: "it crashes" }), false, /^it crashes$/],
      [described({ ready: 1 }, { access: "internal" }), false, /^Access is internal/],
      [described({ ready: 1 }, { access: "key" }), true, /ready\. Calls need a key with the scope call\.$/],
      [described({ ready: 1 }, { quota }), false, /10 calls a month is used up until 2026-12-01T00:00:00/],
    ];
    for (const [description, canCall, reason] of rows) {
      const state = stateOf(description, 10, NOW);
      assert.equal(state.canCall, canCall, state.reason);
      assert.match(state.reason, reason);
    }
    assert.equal(stateOf(described({ ready: 1 }, { quota }), undefined, NOW).canCall, true);
    assert.equal(stateOf(described({ ready: 1 }, { quota }), 9, NOW).canCall, true);
  });
});
