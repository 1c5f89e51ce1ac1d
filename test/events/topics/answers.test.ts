import assert from "node:assert/strict";
import type { AttemptEnd } from "../../../events/services.ts";
import { deliveryOf } from "../../../events/topics/delivery/deliveries.ts";
import { effectsOf, MOST_HOPS } from "../../../events/topics/replies/answers.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import type { Bodies, StoredBody } from "../../../store/bodies.ts";
import type { Answer } from "../../../store/call.ts";
import type { StoredEvent } from "../../../store/topics.ts";
import { storedEvent, subscription } from "./event.ts";

const STORED = { id: "body", bytes: 70_000 };
const bodies: Bodies = {
  write: async () => STORED,
  remove: () => assert.fail(),
  async *read() {
    yield Buffer.from("not asked for");
  },
};
const NOW = Date.parse("2026-11-29T14:00:00Z");

interface Answered {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: StoredBody;
  readonly isCut?: boolean;
  readonly outcome?: AttemptEnd["outcome"];
  readonly replyTo?: string;
}

/** What follows when the subscription `mail` answered an event. */
function effects(event: Partial<StoredEvent>, answered: Answered = {}) {
  const { headers = {}, body = { inline: Buffer.from("data") }, isCut = false, replyTo } = answered;
  const options = { group: "g", now: NOW, newId: () => "c1", policy: () => DEFAULT_RETRY };
  const call = deliveryOf(storedEvent(event), subscription("mail"), options);
  const answer: Answer = { status: 200, headers: Object.entries(headers).flat(), body, isCut };
  const { outcome = { state: "done" } as const } = answered;
  const leased = { ...call, epoch: 1, attempt: 1, attemptOfRound: 1, roundAt: 0 };
  const end: AttemptEnd = { call: leased, outcome, answer };
  const most: Readonly<Record<string, number>> = { replies: 100_000, small: 10 };
  return effectsOf(end, {
    bodies,
    mostBytes: (topic) => most[topic],
    resultBytes: 10_485_760,
    replyTo: () => replyTo,
    now: () => NOW,
  });
}

const EVENT = {
  "ce-specversion": "1.0",
  "ce-id": "r1",
  "ce-source": "/mail",
  "ce-type": "sent",
  "content-type": "text/plain",
};
const ASKS = { attributes: { replyto: "replies" } };

describe("an event that a function answers", () => {
  it("is published in the topic that the event names, else that of the subscription", async () => {
    const expected = {
      ...{ topic: "replies", id: "r1", source: "/mail", type: "sent" },
      attributes: { datacontenttype: "text/plain", skiffhops: "1", time: "2026-11-29T14:00:00.000Z" },
      ...{ data: { inline: Buffer.from("data") }, isDeduplicated: true },
    };
    assert.deepEqual(await effects(ASKS, { headers: EVENT }), { events: [expected] });
    assert.deepEqual(await effects({}, { headers: EVENT, replyTo: "replies" }), { events: [expected] });
    const both = await effects(ASKS, { headers: EVENT, replyTo: "small" });
    assert.equal(both.events![0]!.topic, "replies");
    assert.deepEqual(await effects({}, { headers: EVENT }), {}, "nobody asked for it");
  });

  it("may leave to Skiff what names it", async () => {
    const { events } = await effects(ASKS, { headers: { "ce-specversion": "1.0" } });
    const { id, source, type, attributes } = events![0]!;
    assert.deepEqual([id, source, type], ["c1", "/subscription/mail", "dev.skiff.reply"]);
    assert.equal(attributes.time, "2026-11-29T14:00:00.000Z");
  });

  it("of another version of CloudEvents makes the delivery dead", async () => {
    const { fault } = await effects(ASKS, { headers: { "ce-specversion": "9.0" } });
    assert.match(fault!, /ce-specversion is "9.0": use 1.0/);
  });

  it("has no trace context that is not valid", async () => {
    const headers = { ...EVENT, "ce-traceparent": "%E2%82%AC", "ce-tracestate": "%E2%82%AC" };
    const { attributes } = (await effects(ASKS, { headers })).events![0]!;
    assert.deepEqual([attributes.traceparent, attributes.tracestate], [undefined, undefined]);
  });

  it("continues the trace of the event", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const event = { attributes: { ...ASKS.attributes, traceparent } };
    const { events } = await effects(event, { headers: EVENT });
    assert.equal(events![0]!.attributes.traceparent, traceparent);
  });

  it("may be in JSON, one or several, with data of any size", async () => {
    const one = { specversion: "1.0", id: "1", source: "/s", type: "t" };
    const bodyOf = (value: object) => ({ inline: Buffer.from(JSON.stringify(value)) });
    const structured = { "content-type": "application/cloudevents+json" };
    const single = await effects(ASKS, {
      headers: structured,
      body: bodyOf({ ...one, data: "x".repeat(69_998) }),
    });
    assert.deepEqual(single.events![0]!.data, STORED);
    const batch = { "content-type": "application/cloudevents-batch+json" };
    const several = await effects(ASKS, { headers: batch, body: bodyOf([one, { ...one, id: "2" }]) });
    assert.deepEqual(
      several.events!.map(({ id, topic }) => [id, topic]),
      [
        ["1", "replies"],
        ["2", "replies"],
      ],
    );
  });

  it("keeps a body that is stored already", async () => {
    const { events } = await effects(ASKS, { headers: EVENT, body: STORED });
    assert.equal(events![0]!.data, STORED);
  });

  it("is anything but an answer without attributes", async () => {
    assert.deepEqual(await effects(ASKS, { headers: { "content-type": "application/json" } }), {});
    assert.deepEqual(await effects(ASKS, { headers: EVENT, outcome: { state: "waiting", dueAt: 1 } }), {});
    assert.deepEqual(await effects(ASKS, { headers: EVENT, outcome: { state: "dead", reason: "no" } }), {});
  });

  it("is refused where it cannot be published", async () => {
    const faultOf = async (event: Partial<StoredEvent>, answered: Answered) =>
      (await effects(event, answered)).fault;
    assert.match(
      (await faultOf({ attributes: { replyto: "none" } }, { headers: EVENT }))!,
      /no topic "none"/,
    );
    assert.match(
      (await faultOf({ attributes: { replyto: "small" } }, { headers: EVENT, body: STORED }))!,
      /70000 bytes/,
    );
    assert.match(
      (await faultOf(ASKS, { headers: { ...EVENT, "ce-a_b": "1" } }))!,
      /"a_b" is not a valid name/,
    );
    assert.match((await faultOf(ASKS, { headers: EVENT, isCut: true }))!, /SKIFF_MAX_RESULT/);
    const unread = { "content-type": "application/cloudevents+avro" };
    assert.match((await faultOf(ASKS, { headers: unread }))!, /does not read/);
  });

  it("ends a circle of functions that answer each other", async () => {
    const hops = async (before: number) => {
      const attributes = { ...ASKS.attributes, skiffhops: String(before) };
      return effects({ attributes }, { headers: EVENT });
    };
    assert.equal((await hops(MOST_HOPS - 1)).events![0]!.attributes.skiffhops, String(MOST_HOPS));
    for (const text of ["-99", "1e1", "999", "x"]) {
      const forged = await effects(
        { attributes: { ...ASKS.attributes, skiffhops: text } },
        { headers: EVENT },
      );
      assert.match(forged.fault!, /has passed 16 functions/, text);
    }
    assert.match((await hops(MOST_HOPS)).fault!, /has passed 16 functions/);
    assert.match((await hops(Number.NaN)).fault!, /has passed 16 functions/);
  });
});

describe("the reply of a function", () => {
  const waiter = { id: "w", until: NOW + 1_000 };

  it("is its answer, whatever it is", async () => {
    const { reply, events } = await effects({ ...ASKS, waiter }, { headers: EVENT });
    assert.equal(reply!.waiter, "w");
    assert.equal(reply!.group, "g");
    assert.equal(reply!.answer!.status, 200);
    assert.equal(events!.length, 1, "the answer is published as well");
    assert.equal((await effects({}, {})).reply, undefined, "nobody waits");
  });

  it("is the reason why there is no answer", async () => {
    const options = { bodies, mostBytes: () => 1, resultBytes: 1, replyTo: () => undefined, now: () => NOW };
    const delivery = { group: "g", now: NOW, newId: () => "c1", policy: () => DEFAULT_RETRY };
    const call = deliveryOf(storedEvent({ waiter }), subscription("mail"), delivery);
    const leased = { ...call, epoch: 1, attempt: 1, attemptOfRound: 1, roundAt: 0 };
    const { reply } = await effectsOf(
      { call: leased, outcome: { state: "dead", reason: "It broke." } },
      options,
    );
    assert.deepEqual(reply, { waiter: "w", group: "g", error: "It broke." });
  });
});
