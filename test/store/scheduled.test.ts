import assert from "node:assert/strict";
import { DEFAULT_RETRY } from "../../platform/events/retry-policy.ts";
import type { Bodies } from "../../store/bodies.ts";
import type { NewCall } from "../../store/call.ts";
import type { NewEvent } from "../../store/event.ts";
import { firedBy, type ScheduleTarget } from "../../store/scheduled.ts";

const AT = Date.UTC(2026, 10, 29, 3);
const TIME = {
  at: AT,
  now: AT + 7,
  id: "0".repeat(32),
  traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-00`,
  by: "schedule report",
};
const BODIES: Bodies = {
  async write(parts, mostBytes) {
    const chunks = await Array.fromAsync(parts);
    const bytes = Buffer.concat(chunks).length;
    assert.ok(bytes <= mostBytes);
    return { id: "written", bytes };
  },
  remove: () => assert.fail(),
  read: () => assert.fail(),
};

async function callOf(target: Omit<ScheduleTarget, "name">, more = {}): Promise<NewCall> {
  return ((await firedBy({ name: "report", ...target }, { ...TIME, ...more }, BODIES)) as { call: NewCall })
    .call;
}

async function eventOf(event: ScheduleTarget["event"]): Promise<NewEvent> {
  return ((await firedBy({ name: "report", event: event! }, TIME, BODIES)) as { event: NewEvent }).event;
}

const textOf = (body: NewCall["request"]["body"]) =>
  Buffer.from("inline" in body ? body.inline : []).toString();

describe("the call of a schedule", () => {
  it("is a POST of its function's root that says which time it is for", async () => {
    const { request, ...call } = await callOf({ call: { function: "make" } });
    assert.deepEqual(call, {
      ...{ id: TIME.id, queue: "fn/make", target: { function: "make" }, policy: DEFAULT_RETRY },
      origin: { kind: "schedule", name: "report", at: AT },
      ...{ acceptedAt: AT + 7, dueAt: AT + 7, priority: 0, orderKey: "", by: "schedule report" },
      ...{ keyId: undefined, traceparent: TIME.traceparent, keepsRecord: true },
    });
    assert.deepEqual([request.method, request.path, textOf(request.body)], ["POST", "/", ""]);
    assert.deepEqual(request.headers, [
      "skiff-schedule",
      "report",
      "skiff-scheduled-at",
      "2026-11-29T03:00:00.000Z",
    ]);
  });

  it("is an input for a flow, an empty object by default", async () => {
    const { queue, target, request } = await callOf({ run: { flow: "nightly", input: { rows: 2 } } });
    assert.deepEqual([queue, target], ["flow/nightly", { flow: "nightly" }]);
    assert.equal(textOf(request.body), '{"rows":2}');
    assert.deepEqual(request.headers.slice(0, 6), [
      ...["skiff-overlap", "skip", "content-type", "application/json", "skiff-schedule", "report"],
    ]);
    const queued = await callOf({ run: { flow: "nightly" }, overlap: "queue" });
    assert.equal(textOf(queued.request.body), "{}");
    const byHand = await callOf({ run: { flow: "nightly" } }, { isManual: true });
    assert.deepEqual(byHand.request.headers.slice(0, 2), ["skiff-overlap", "allow"]);
    assert.equal(queued.policy.maxAgeMs, 7 * 86_400_000, "it waits for the run before it");
  });

  it("has the method, path, fields and body of the schedule", async () => {
    const call = {
      function: "make",
      method: "PUT",
      path: "/a?b=1",
      headers: { "X-Kind": "daily" },
      body: { of: 1 },
    };
    const { request } = await callOf({ call });
    assert.deepEqual([request.method, request.path, textOf(request.body)], ["PUT", "/a?b=1", '{"of":1}']);
    assert.deepEqual(request.headers.slice(0, 4), ["X-Kind", "daily", "content-type", "application/json"]);
    const text = await callOf({
      call: { function: "make", body: "of=1", headers: { "Content-Type": "a/b" } },
    });
    assert.equal(textOf(text.request.body), "of=1");
    assert.deepEqual(text.request.headers.slice(0, 3), ["Content-Type", "a/b", "skiff-schedule"]);
  });

  it("keeps a body over 64 KiB beside the rows", async () => {
    const { request } = await callOf({ call: { function: "make", body: "x".repeat(64 * 1024 + 1) } });
    assert.deepEqual(request.body, { id: "written", bytes: 64 * 1024 + 1 });
  });

  it("is tried again by the schedule, else by the function, else by default", async () => {
    const call = { function: "make", retry: { backoff: "2s" } };
    const { policy } = await callOf({ call }, { retry: { attempts: 2, backoffMs: 9 } });
    assert.deepEqual(policy, { ...DEFAULT_RETRY, attempts: 2, backoffMs: 2_000 });
  });

  it("waits for its turn behind earlier ones with overlap queue", async () => {
    const { orderKey } = await callOf({ call: { function: "make" }, overlap: "queue" });
    assert.equal(orderKey, "schedule report");
  });

  it("says that somebody ran it by hand, with a key", async () => {
    const call = await callOf({ call: { function: "make" } }, { isManual: true, by: "key ci", keyId: "k1" });
    assert.deepEqual(call.origin, { kind: "schedule", name: "report", at: AT, manual: true });
    assert.deepEqual([call.by, call.keyId], ["key ci", "k1"]);
  });
});

describe("the event of a schedule", () => {
  it("has the time that it is for, and the attributes and data of the schedule", async () => {
    const event = {
      topic: "reports",
      type: "dev.example.due",
      attributes: { subject: "daily" },
      data: { of: 1 },
    };
    const { data, ...rest } = await eventOf(event);
    assert.deepEqual(rest, {
      ...{ topic: "reports", id: TIME.id, source: "/schedule/report", type: "dev.example.due" },
      attributes: {
        ...{ time: "2026-11-29T03:00:00.000Z", datacontenttype: "application/json" },
        ...{ traceparent: TIME.traceparent, subject: "daily" },
      },
      isDeduplicated: false,
    });
    assert.equal(textOf(data), '{"of":1}');
    assert.equal((await eventOf({ topic: "reports" })).type, "dev.skiff.schedule");
  });
});
