import assert from "node:assert/strict";
import { type FlowState, flowVerdict } from "../../../flows/status/flow-verdict.ts";
import type {
  Action,
  FlowDefinition,
  Step,
  Triggers,
} from "../../../platform/flows/definition/definition.ts";

const step = (action: Action): Step => ({ action, needs: [], concurrency: 10, catch: [] });
const calling = (name: string) =>
  step({ kind: "fn", function: name, method: "POST", path: "/", headers: {} });
const definition = (steps: Record<string, Step>, on: Partial<Triggers> = {}): FlowDefinition => ({
  ...{ flow: "order", on: { topics: [], crons: [], ...on }, steps, finally: {}, timeoutMs: 1_000 },
});
const of = (state: Partial<FlowState>) =>
  flowVerdict({
    read: { definition: definition({ check: calling("check") }), version: 3 },
    ...{ totals: undefined, last: undefined },
    hasFunction: (name) => name === "check",
    hasFlow: (name) => name === "ship",
    ...state,
  });

describe("the verdict of a flow", () => {
  it("shows its version, its runs and what begins them", () => {
    const http = { path: "/new", methods: ["POST"], access: "key", waitMs: 1 } as const;
    const on = { http, topics: [{ topic: "orders" }], crons: [{ cron: "0 3 * * *" }] };
    const read = { definition: definition({ check: calling("check") }, on), version: 3 };
    const totals = {
      flow: "order",
      live: { running: 2, waiting: 5 },
      ended: { done: 9, failed: 1 },
    };
    const last = { acceptedAt: Date.parse("2030-01-01T03:00:00.123Z"), state: "waiting" } as const;
    assert.deepEqual(of({ read, totals, last }), {
      isReady: true,
      reason: "Accepting",
      message:
        'Runs begin by the API, by requests to /flow/order/http/new, by events of "orders", at "0 3 * * *".',
      figures: {
        ...{ version: 3, runs: 7, failed: 1 },
        ...{ lastRunAt: "2030-01-01T03:00:00Z", lastRunState: "waiting" },
      },
    });
  });

  it("shows no run of a flow that never ran", () => {
    const { message, figures } = of({});
    assert.equal(message, "Runs begin by the API.");
    assert.deepEqual(figures, {
      ...{ version: 3, runs: 0, failed: 0, lastRunAt: undefined, lastRunState: undefined },
    });
  });

  it("says where its text is wrong, and leaves the version that is in force", () => {
    const fault = (line: number) => ({
      message: `Unknown member "neds${line}".`,
      line,
      column: 5,
      lineText: "",
      pointer: "",
    });
    const { isReady, reason, message, figures } = of({
      read: { faults: [1, 2, 3, 4, 5, 6, 7].map(fault) },
    });
    assert.deepEqual([isReady, reason], [false, "InvalidSpec"]);
    assert.match(
      message,
      /^line 1, column 5: Unknown member "neds1"\. line 2, .* There are 2 more faults\.$/,
    );
    assert.doesNotMatch(message, /neds6/);
    assert.ok(!("version" in figures));
  });

  it("is not ready while a function or a flow of a step is missing", () => {
    const missing = (each: Step) => {
      const read = { definition: definition({ check: calling("check"), next: each }), version: 1 };
      const { isReady, reason, message } = of({ read });
      return [isReady, reason, message];
    };
    assert.deepEqual(missing(calling("charge")), [
      ...[false, "UnknownFunction"],
      'There is no function "charge": the step "next" fails until it is deployed.',
    ]);
    assert.deepEqual(missing(step({ kind: "flow", flow: "bill" })), [
      ...[false, "UnknownFlow"],
      'There is no flow "bill": the step "next" fails until it is deployed.',
    ]);
    assert.equal(missing(step({ kind: "flow", flow: "ship" }))[0], true);
  });
});
