import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import { EMPTY_BODY } from "../../../store/bodies.ts";
import type { NewCall } from "../../../store/call.ts";
import { newCallId } from "../../../store/call-id.ts";
import type { LeasedCall } from "../../../store/calls.ts";

/** A call of the function `hello`, accepted at 0. */
export function newCall(members: Partial<NewCall> = {}): NewCall {
  return {
    ...{ id: newCallId(0, Math.random), queue: "fn/hello", target: { function: "hello" } },
    request: { method: "POST", path: "/", headers: [], body: EMPTY_BODY },
    ...{ policy: DEFAULT_RETRY, origin: { kind: "api" }, acceptedAt: 0, dueAt: 0, priority: 0, orderKey: "" },
    ...{ by: "local", keepsRecord: true },
    ...members,
  };
}

export function leasedCall(members: Partial<LeasedCall> = {}): LeasedCall {
  return { ...newCall(), ...{ epoch: 1, attempt: 1, attemptOfRound: 1, roundAt: 0 }, ...members };
}
