import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Problem } from "../../../platform/problems.ts";
import { type PlacedCall, Placement, Timers } from "../../../router/placement/placement.ts";
import type { VersionState } from "../../../router/placement/version.ts";

/** A call that waits for an instance of a function with this timeout, in milliseconds. */
class WaitingCall implements PlacedCall {
  readonly placement: Placement;
  problem: Problem | undefined;

  constructor(timeoutMs: number) {
    const limits = limitsFromEnv({ SKIFF_INSTANCE_WAIT: "5s" });
    this.placement = new Placement(this, limits, new Timers());
    const version = { timeoutMs, readyCount: 1, claim: () => undefined, wait() {} };
    this.placement.acquire(version as unknown as VersionState);
  }

  refuse(problem: Problem): void {
    this.problem = problem;
    this.placement.disarm();
  }

  forward(): void {
    assert.fail("there is no instance");
  }

  timedOut(): void {
    assert.fail("no instance has the call");
  }
}

/** Node's timers count from the beginning of a turn: after a long turn they fire that much earlier. */
describe("a call that waits, when its timer fires early", () => {
  it("is answered with its own timeout if that is the shorter one", () => {
    const call = new WaitingCall(1_000);
    call.placement.timedOut();
    assert.equal(call.problem?.code, "call_timeout");
  });

  it("is answered with no_capacity if the wait for an instance is the shorter one", () => {
    const call = new WaitingCall(60_000);
    call.placement.timedOut();
    assert.equal(call.problem?.code, "no_capacity");
  });
});
