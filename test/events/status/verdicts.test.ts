import assert from "node:assert/strict";
import { type EventState, verdictOf } from "../../../events/status/verdicts.ts";

const NOTHING: EventState = {
  topics: new Map(),
  queues: new Map(),
  timers: new Map(),
  hasFunction: (name) => name === "known",
  hasFlow: (name) => name === "ship",
};
const TOPIC = {
  topic: "orders",
  published: 12,
  end: 12,
  events: 10,
  bytes: 2_000,
  groups: [
    { group: "shipping", position: 7, lag: 5 },
    { group: "mail", position: 12, lag: 0 },
  ],
};
const QUEUE = { accepted: 9, waiting: 3, running: 1, done: 3, dead: 2, cancelled: 0, attempts: 6 };
const AT = Date.parse("2030-01-01T03:00:00Z");

describe("the verdict of a topic", () => {
  const of = (spec: Record<string, unknown>, state: Partial<EventState> = {}) =>
    verdictOf({ kind: "Topic", name: "orders", spec }, { ...NOTHING, ...state });

  it("shows what it keeps, and how many groups it has", () => {
    assert.deepEqual(of({}, { topics: new Map([["orders", TOPIC]]) }), {
      isReady: true,
      reason: "Accepting",
      message: "2 groups",
      figures: { events: 10, bytes: 2_000 },
    });
    const { isReady, message, figures } = of({});
    assert.deepEqual([isReady, message, figures], [true, "Nobody has subscribed.", { events: 0, bytes: 0 }]);
  });

  it("says what is wrong with its spec", () => {
    const { isReady, reason, message } = of({ access: "nobody" });
    assert.deepEqual([isReady, reason], [false, "InvalidSpec"]);
    assert.match(message, /access.*nobody/);
  });
});

describe("the verdict of a subscription", () => {
  const of = (spec: Record<string, unknown>, state: Partial<EventState> = {}) =>
    verdictOf({ kind: "Subscription", name: "ship", spec }, { ...NOTHING, ...state });

  it("shows the lag of its group and what waits and is dead", () => {
    const spec = { topic: "orders", function: "known", group: "shipping" };
    const state = {
      topics: new Map([["orders", TOPIC]]),
      queues: new Map([["sub/ship", { ...QUEUE, queue: "sub/ship" }]]),
    };
    assert.deepEqual(of(spec, state), {
      isReady: true,
      reason: "Delivering",
      message: "It delivers to known.",
      figures: { group: "shipping", lag: 5, waiting: 3, dead: 2 },
    });
    const { figures } = of({ topic: "orders", function: "known" });
    assert.deepEqual(figures, { group: "ship", lag: 0, waiting: 0, dead: 0 });
  });

  it("is not ready without its function, while it is paused, and with a wrong spec", () => {
    const reasonOf = (spec: Record<string, unknown>) => of({ topic: "orders", ...spec }).reason;
    assert.equal(reasonOf({ function: "missing" }), "UnknownFunction");
    assert.equal(reasonOf({ function: "known", paused: true }), "Paused");
    assert.equal(reasonOf({}), "InvalidSpec");
    assert.equal(reasonOf({ url: "https://example.com/hook" }), "Delivering");
    assert.equal(reasonOf({ flow: "missing" }), "UnknownFlow");
    assert.equal(of({ topic: "orders", flow: "ship" }).message, "It delivers to the flow ship.");
  });
});

describe("the verdict of a schedule", () => {
  const of = (spec: Record<string, unknown>, state: Partial<EventState> = {}) =>
    verdictOf({ kind: "Schedule", name: "report", spec }, { ...NOTHING, ...state });
  const call = { function: "known" };
  const timer = { name: "report", rule: "", anchor: 0, dueAt: AT, delayMs: 0 };
  const last = { at: AT - 86_400_000, firedAt: AT - 86_399_990, outcome: "fired" as const };

  it("shows the next time, the last one, and what happened then", () => {
    const spec = { cron: "0 3 * * *", call };
    const shown = of(spec, { timers: new Map([["report", { timer, last }]]) });
    assert.deepEqual([shown.isReady, shown.reason], [true, "Scheduled"]);
    assert.deepEqual(shown.figures, {
      nextAt: "2030-01-01T03:00:00Z",
      lastAt: "2029-12-31T03:00:00Z",
      lastOutcome: "fired",
    });
    const over = of(spec, { timers: new Map([["report", { timer: { ...timer, dueAt: undefined }, last }]]) });
    assert.match(over.message, /no further time/);
    assert.equal(over.figures.nextAt, undefined);
  });

  it("has no next time while it is paused", () => {
    const timers = new Map([["report", { timer, last: undefined }]]);
    const { reason, figures } = of({ cron: "@hourly", call, paused: true }, { timers });
    assert.deepEqual([reason, figures.nextAt], ["Paused", undefined]);
  });

  it("is not ready with a wrong expression or zone, or without its function", () => {
    const reasonOf = (spec: Record<string, unknown>) => of(spec).reason;
    assert.equal(reasonOf({ cron: "61 * * * *", call }), "InvalidSpec");
    assert.equal(reasonOf({ cron: "0 3 * * *", timeZone: "Europe/Nowhere", call }), "InvalidSpec");
    assert.equal(reasonOf({ cron: "0 3 31 2 *", call }), "InvalidSpec");
    assert.equal(reasonOf({ cron: "0 3 * * *", call: { function: "missing" } }), "UnknownFunction");
    assert.equal(reasonOf({ cron: "0 3 * * *", run: { flow: "missing" } }), "UnknownFlow");
    assert.equal(reasonOf({ cron: "0 3 * * *", run: { flow: "ship" } }), "Scheduled");
    assert.equal(reasonOf({ cron: "0 3 * * *", event: { topic: "orders" } }), "Scheduled");
  });
});
