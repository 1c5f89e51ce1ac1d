import assert from "node:assert/strict";
import type { Sent } from "../../../calling/sent.ts";
import { judge, lateness } from "../../../events/delivery/verdict.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "../../../platform/events/retry-policy.ts";
import type { LeasedCall } from "../../../store/calls.ts";
import { leasedCall } from "../support/leased-call.ts";

const AT = { now: 1_000, random: 0.5, isKnown: true };
const answered = (
  status: number,
  more: { code?: string; isUnforwarded?: boolean; retryAfterMs?: number; text?: string } = {},
): Sent => ({
  response: { status, text: "", ...more },
});
const kindOf = (call: LeasedCall, sent: Sent, at = AT) => judge(call, sent, at).kind;

describe("the verdict about an attempt", () => {
  const call = leasedCall();
  const policy = (members: Partial<RetryPolicy>) => leasedCall({ policy: { ...DEFAULT_RETRY, ...members } });

  for (const status of [200, 204, 303]) {
    it(`is done for ${status}`, () => assert.equal(kindOf(call, answered(status)), "done"));
  }

  for (const status of [408, 425, 429, 500, 503, 599]) {
    it(`is a retry for ${status} of the function`, () =>
      assert.equal(kindOf(call, answered(status)), "retry"));
  }

  for (const status of [400, 404, 409, 422]) {
    it(`is dead for ${status}, with what the function said`, () => {
      const reason = `The answer was ${status}: no such order`;
      assert.deepEqual(judge(call, answered(status, { text: " no such order\n" }), AT), {
        ...{ kind: "dead", reason, error: reason },
      });
    });
  }

  it("shows at most 200 characters of an answer", () => {
    const verdict = judge(call, answered(400, { text: "x".repeat(1_000) }), AT);
    assert.ok(verdict.kind === "dead" && verdict.reason.endsWith(`: ${"x".repeat(200)}`));
  });

  for (const [status, code] of [
    [429, "too_many_waiting"],
    [429, "quota_exceeded"],
    [503, "no_capacity"],
    [503, "draining"],
    [401, "unauthorized"],
    [504, "call_timeout"],
  ] as const) {
    it(`is a refusal for ${code} of Skiff, and no attempt`, () => {
      const verdict = judge(
        call,
        answered(status, { code, isUnforwarded: true, text: "Wait.", retryAfterMs: 2_000 }),
        AT,
      );
      assert.deepEqual(verdict, { kind: "refused", error: "Wait.", retryAfterMs: 2_000 });
    });
  }

  describe("of a call to a flow", () => {
    const toFlow = leasedCall({ queue: "flow/order", target: { flow: "order" } });
    const unknown = answered(404, { code: "unknown_flow", text: "There is no flow." });

    it("is done once the run has begun, and a refusal while there are too many runs", () => {
      assert.equal(kindOf(toFlow, answered(202)), "done");
      assert.equal(kindOf(toFlow, answered(429, { code: "too_many_runs" })), "refused");
      assert.equal(kindOf(toFlow, answered(503, { code: "store_unavailable" })), "refused");
      assert.equal(kindOf(toFlow, { unreached: "No connection." }), "refused");
    });

    it("is dead for an input that the flow does not take", () =>
      assert.equal(kindOf(toFlow, answered(422, { code: "invalid_input" })), "dead"));

    it("waits 5 min for a flow that is not there", () => {
      assert.equal(kindOf(toFlow, unknown, { ...AT, isKnown: false }), "refused");
      const verdict = judge(toFlow, unknown, { now: 300_000, random: 0, isKnown: false });
      const reason = 'There was no flow "order" within 5 min: deploy it, and retry the call.';
      assert.deepEqual(verdict, { kind: "dead", reason, error: reason });
    });
  });

  it("is a refusal if no router was reached", () => {
    assert.equal(kindOf(call, { unreached: "No connection." }), "refused");
  });

  it("is dead once a refused call is older than its policy allows", () => {
    const verdict = judge(call, { unreached: "No connection." }, { ...AT, now: DEFAULT_RETRY.maxAgeMs });
    const reason = "No attempt could start within 360 min (max-age). The last refusal: No connection.";
    assert.ok(verdict.kind === "dead");
    assert.equal(verdict.reason, reason);
  });

  it("is a retry if the instance broke the connection, did not answer in time, or the router died", () => {
    for (const sent of [
      answered(502, { code: "instance_failed" }),
      answered(503, { code: "draining" }),
      answered(504, { code: "call_timeout" }),
      { broken: "There is no whole answer." },
    ]) {
      assert.equal(kindOf(policy({ on: ["connection"] }), sent), "retry");
      assert.equal(kindOf(policy({ on: ["429"] }), sent), "dead");
    }
  });

  it("is a refusal for some minutes if there is no such function, or a router does not know it yet", () => {
    const code = "unknown_function";
    const unknown = answered(404, { code, isUnforwarded: true, text: "There is no function." });
    const soon = { ...AT, now: 299_999, isKnown: false };
    const later = { ...soon, now: 300_000 };
    assert.equal(kindOf(call, unknown, soon), "refused");
    const reason = 'There was no function "hello" within 5 min: deploy it, and retry the call.';
    assert.deepEqual(judge(call, unknown, later), { kind: "dead", reason, error: reason });
    assert.equal(kindOf(call, unknown, { ...later, isKnown: true }), "refused");
    assert.equal(kindOf(call, answered(404), soon), "dead");
  });

  it("is a refusal of a delivery as long as there is no such function, unless somebody waits for the reply", () => {
    const unknown = answered(404, { code: "unknown_function", isUnforwarded: true });
    const of = { topic: "t", group: "s", position: 1, event: "e" };
    const origin = { kind: "subscription", name: "s", ...of } as const;
    const later = { ...AT, now: 3_600_000, isKnown: false };
    assert.equal(kindOf({ ...call, origin }, unknown, later), "refused");
    const end = { ...later, now: call.policy.maxAgeMs };
    assert.equal(kindOf({ ...call, origin }, unknown, end), "dead");
    const waited = { ...call, origin: { ...origin, waiter: "w" } };
    const reason = 'There was no function "hello": deploy it, and retry the call.';
    assert.deepEqual(judge(waited, unknown, { ...AT, isKnown: false }), {
      kind: "dead",
      reason,
      error: reason,
    });
  });

  it("believes no 500 that claims to be a refusal", () => {
    assert.equal(kindOf(call, answered(500, { code: "unknown_function" })), "retry");
  });

  it("is an attempt if an instance got the call before the router stopped", () => {
    const broken = answered(503, { code: "draining" });
    assert.equal(kindOf(call, broken), "retry");
    assert.equal(kindOf(policy({ attempts: 1 }), broken), "dead");
  });

  it("is dead after the last attempt, and says how many there were", () => {
    const verdict = judge(leasedCall({ attempt: 12, attemptOfRound: 5 }), answered(500), AT);
    assert.ok(verdict.kind === "dead");
    assert.equal(verdict.reason, "All 5 attempts failed. The last one: The answer was 500.");
  });

  it("waits for a random time up to a bound that doubles, at most 5 minutes", () => {
    const delays = [1, 2, 3, 20].map((attemptOfRound) => {
      const verdict = judge(
        leasedCall({ attemptOfRound, policy: { ...DEFAULT_RETRY, attempts: 100 } }),
        answered(500),
        { ...AT, random: 0.999_999 },
      );
      return verdict.kind === "retry" && verdict.delayMs;
    });
    assert.deepEqual(delays, [1_000, 2_000, 4_000, 300_000]);
    const least = judge(call, answered(500), { ...AT, random: 0 });
    assert.ok(least.kind === "retry" && least.delayMs === 0);
  });

  it("obeys Retry-After of the function up to 5 minutes", () => {
    const after = (retryAfterMs: number) => judge(call, answered(503, { retryAfterMs }), AT);
    assert.deepEqual(
      [7_000, 86_400_000].map(after).map((each) => each.kind === "retry" && each.delayMs),
      [7_000, 300_000],
    );
  });

  it("is dead if the next attempt would start too late", () => {
    const verdict = judge(policy({ maxAgeMs: 1_200 }), answered(500, { text: "down" }), AT);
    assert.ok(verdict.kind === "dead");
    assert.match(
      verdict.reason,
      /^No attempt starts after 1\.?2?\d* ?m?s \(max-age\)\. The last one: .* 500: down$/,
    );
  });

  describe("of a URL", () => {
    const url = leasedCall({ target: { url: "https://example.com/hook" } });
    it("is a retry if it cannot be reached", () => assert.equal(kindOf(url, { unreached: "x" }), "retry"));
    it("is dead for a redirect, which is not followed", () =>
      assert.equal(kindOf(url, answered(302)), "dead"));
    it("is dead for an address that is not allowed", () => {
      assert.equal(kindOf(url, { forbidden: "10.0.0.1 is not a public address." }), "dead");
    });
    it("is a refusal while the store has its body and is away", () => {
      assert.equal(kindOf(url, { postponed: "The store cannot be reached." }), "refused");
    });
    it("is a retry for its 503, whatever it claims", () => {
      assert.equal(kindOf(url, answered(503, { code: "no_capacity" })), "retry");
    });
  });
});

describe("an attempt may start", () => {
  it("as long as attempts are left and the call is young enough", () => {
    assert.equal(lateness(leasedCall({ attemptOfRound: 5 }), DEFAULT_RETRY.maxAgeMs - 1), undefined);
  });

  it("not after the worker of the last attempt died", () => {
    assert.match(lateness(leasedCall({ attemptOfRound: 6 }), 0)!, /^All 5 attempts are used up/);
    const once = leasedCall({ attemptOfRound: 2, policy: { ...DEFAULT_RETRY, attempts: 1 } });
    assert.equal(lateness(once, 0), "The only attempt broke off with its worker.");
  });

  it("of a delivery that waited for its subscription, unless somebody waits for the reply", () => {
    const { maxAgeMs } = DEFAULT_RETRY;
    const event = { name: "mail", topic: "orders", group: "mail", position: 1, event: "e1" };
    const origin = { kind: "subscription" as const, ...event };
    assert.equal(lateness(leasedCall({ origin }), 2 * maxAgeMs), undefined);
    const awaited = leasedCall({ origin: { ...origin, waiter: "w" }, roundAt: maxAgeMs });
    assert.match(lateness(awaited, maxAgeMs)!, /^No attempt starts/);
  });

  it("not of a call that is too old, counted from a retry by hand", () => {
    const { maxAgeMs } = DEFAULT_RETRY;
    assert.equal(lateness(leasedCall(), maxAgeMs), "No attempt starts after 360 min (max-age).");
    assert.equal(lateness(leasedCall({ roundAt: 10 }), maxAgeMs), undefined);
  });
});
