import { DEFAULT_RETRY } from "../../../../platform/events/retry-policy.ts";
import { EMPTY_BODY } from "../../../../store/bodies.ts";
import type { NewCall } from "../../../../store/call.ts";
import { newCallId } from "../../../../store/call-id.ts";
import type { Calls, LeasedCall, LeaseRequest, Settlement } from "../../../../store/calls.ts";

/** When every test begins. */
export const NOON = Date.UTC(2026, 4, 31, 12);

export type CallsStore = { readonly calls: Calls; close(): Promise<void> };

export function newCall(of: Partial<NewCall> = {}): NewCall {
  const name = of.queue?.replace(/^\w+\//, "") ?? "hello";
  return {
    id: newCallId(of.acceptedAt ?? NOON, Math.random),
    queue: "fn/hello",
    target: { function: name },
    request: { method: "POST", path: "/", headers: [], body: EMPTY_BODY },
    policy: DEFAULT_RETRY,
    origin: { kind: "api" },
    acceptedAt: NOON,
    dueAt: NOON,
    priority: 0,
    orderKey: "",
    by: "token",
    keepsRecord: true,
    ...of,
  };
}

/** What tests do with calls, with what they leave open filled in. */
export class Worker {
  readonly calls: Calls;
  readonly owner: string;
  now = NOON;

  constructor({ calls }: CallsStore, owner = "worker-1") {
    this.calls = calls;
    this.owner = owner;
  }

  async enqueue(...calls: readonly NewCall[]): Promise<string[]> {
    const outcomes = await this.calls.enqueue(calls, { now: this.now, mostLive: 1_000_000 });
    return outcomes.map((outcome) => ("id" in outcome ? outcome.id : outcome.refused));
  }

  async lease(of: Partial<LeaseRequest> = {}): Promise<readonly LeasedCall[]> {
    return (await this.leased(of)).calls;
  }

  async leased(of: Partial<LeaseRequest> = {}) {
    const request = { owner: this.owner, now: this.now, limit: 100, perQueue: 100, running: {}, except: [] };
    await this.calls.beat(this.owner, this.now);
    return await this.calls.lease({ ...request, ...of });
  }

  settlement(call: LeasedCall, outcome: Settlement["outcome"], status = 200): Settlement {
    const times = { startedAt: this.now, endedAt: this.now + 5 };
    const attempt = { number: call.attempt, ...times, callId: `c${call.attempt}`, status };
    return { id: call.id, owner: this.owner, epoch: call.epoch, attempt, outcome };
  }

  async done(...calls: readonly LeasedCall[]): Promise<readonly boolean[]> {
    return await this.settle(calls.map((call) => this.settlement(call, { state: "done" })));
  }

  settle(settlements: readonly Settlement[]): Promise<readonly boolean[]> {
    return this.calls.settle(settlements, this.now);
  }
}

export function idsOf(calls: readonly { readonly id: string }[]): string[] {
  return calls.map(({ id }) => id);
}
