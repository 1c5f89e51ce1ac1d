import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Problem } from "../../../platform/problems.ts";
import { Alarms } from "../../../router/call/alarm.ts";
import type { CallContext } from "../../../router/call/call-context.ts";
import { PlacedCall } from "../../../router/placement/placement.ts";
import type { Route } from "../../../router/placement/version.ts";

/** A call that waits for an instance of a function with this timeout, in milliseconds. */
class WaitingCall extends PlacedCall {
  problem: Problem | undefined;

  constructor(timeoutMs: number) {
    const context = { limits: limitsFromEnv({ SKIFF_INSTANCE_WAIT: "5s" }), alarms: new Alarms() };
    super(context as unknown as CallContext);
    this.place({ timeoutMs, readyCount: 1, take: () => undefined, wait() {} } as unknown as Route);
  }

  override refuse(problem: Problem): void {
    this.problem = problem;
    this.disarm();
  }

  protected override forward(): void {
    assert.fail("there is no instance");
  }

  protected override silent(): void {
    assert.fail("no instance has the call");
  }
}

/** Timers of node count from the beginning of a turn: after a long one they go off that much earlier. */
describe("a call that waits, when its timer goes off early", () => {
  it("is told of its own timeout if that is the shorter one", () => {
    const call = new WaitingCall(1_000);
    call.timeUp();
    assert.equal(call.problem?.code, "call_timeout");
  });

  it("is told that no instance was free if that is", () => {
    const call = new WaitingCall(60_000);
    call.timeUp();
    assert.equal(call.problem?.code, "no_capacity");
  });
});
