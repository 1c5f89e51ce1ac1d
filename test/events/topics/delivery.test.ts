import assert from "node:assert/strict";
import { headersOf } from "../../../calling/cloudevents/http-event.ts";
import { deliveryOf } from "../../../events/topics/delivery/deliveries.ts";
import { matches } from "../../../events/topics/delivery/filter.ts";
import {
  chooseMember,
  type Group,
  groupsOf,
  mayReply,
  rests,
  type Subscription,
  Turns,
} from "../../../events/topics/delivery/groups.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import type { EventFilter } from "../../../platform/events/subscription-spec.ts";
import type { StoredEvent } from "../../../store/topics.ts";
import { storedEvent, subscription } from "./event.ts";

function groupOf(...members: Subscription[]): Group {
  const [group] = groupsOf(
    members.map(({ name, spec }) => ({ name, spec: { ...spec, group: "g" } })),
  ).values();
  return group!;
}

function delivered(event: StoredEvent, member: Subscription, now = 1_000) {
  return deliveryOf(event, member, { group: "g", now, newId: () => "id", policy: () => DEFAULT_RETRY });
}

describe("a filter", () => {
  const event = storedEvent({ attributes: { subject: "eu/1", partitionkey: "a" } });
  const passes = (filter: EventFilter) => matches(filter, event);

  it("compares attributes and extensions as text", () => {
    assert.ok(passes({ exact: { type: "order.created", source: "/shop", id: "e1" } }));
    assert.ok(!passes({ exact: { type: "order.created", subject: "eu" } }));
    assert.ok(passes({ prefix: { subject: "eu/" }, suffix: { subject: "/1" } }));
    assert.ok(!passes({ prefix: { subject: "us/" } }));
    assert.ok(!passes({ suffix: { subject: "/2" } }));
    assert.ok(!passes({ exact: { absent: "" } }), "an attribute that is absent is not empty");
    assert.ok(!passes({ exact: { constructor: "" } }));
  });

  it("joins filters", () => {
    const [yes, no] = [{ exact: { partitionkey: "a" } }, { exact: { partitionkey: "b" } }];
    assert.ok(passes({ all: [yes, yes] }));
    assert.ok(!passes({ all: [yes, no] }));
    assert.ok(passes({ any: [no, yes] }));
    assert.ok(!passes({ any: [no, no] }));
    assert.ok(passes({ not: no }));
    assert.ok(!passes({ not: yes }));
    assert.ok(!passes({ ...yes, not: yes }));
    assert.ok(matches(undefined, event));
  });
});

describe("a group", () => {
  it("is the subscriptions of a topic with its name, or one of its own", () => {
    const groups = groupsOf([
      subscription("b", { group: "g" }),
      subscription("a", { group: "g" }),
      subscription("c"),
      subscription("d", { topic: "other", group: "g" }),
    ]);
    const shown = [...groups].map(([key, { members }]) => [key, members.map(({ name }) => name)]);
    assert.deepEqual(shown, [
      ["orders/g", ["a", "b"]],
      ["orders/c", ["c"]],
      ["other/g", ["d"]],
    ]);
  });

  it("gives each event to one member, in turns", () => {
    const group = groupOf(subscription("a"), subscription("b"), subscription("c"));
    const turns = new Turns();
    const names = [3, 4, 5, 6].map((position) => chooseMember(group, storedEvent({ position }), turns)!.name);
    assert.deepEqual(names, ["a", "b", "c", "a"]);
  });

  it("gives an event that two want to the one whose turn is longer ago", () => {
    const group = groupOf(subscription("a"), subscription("b", { filter: { exact: { type: "two" } } }));
    const turns = new Turns();
    const names = [1, 2, 3, 4].map((position) => {
      const type = position % 2 === 0 ? "two" : "one";
      return chooseMember(group, storedEvent({ position, type }), turns)!.name;
    });
    assert.deepEqual(names, ["a", "b", "a", "b"]);
  });

  it("gives events to members that want them and are not paused", () => {
    const filter = { exact: { type: "other" } };
    const group = groupOf(
      subscription("a", { filter }),
      subscription("b", { paused: true }),
      subscription("c"),
    );
    const chosen = (of: Group, position: number) =>
      chooseMember(of, storedEvent({ position }), new Turns())?.name;
    for (const position of [1, 2, 3]) assert.equal(chosen(group, position), "c");
    assert.equal(chosen(groupOf(subscription("a", { filter })), 1), undefined);
    const onlyPaused = groupOf(subscription("a", { filter }), subscription("b", { paused: true }));
    assert.equal(chosen(onlyPaused, 1), "b", "its deliveries wait for it");
    assert.ok(rests(groupOf(subscription("a", { paused: true }))));
    assert.ok(!rests(group));
  });

  it("gives events of an order key to the same member, and moves few keys when one joins", () => {
    const ordered = (name: string) => subscription(name, { order: "key" });
    const two = groupOf(ordered("a"), ordered("b"));
    const three = groupOf(ordered("a"), ordered("b"), ordered("c"));
    const ownerOf = (group: Group, key: string, position: number) =>
      chooseMember(group, storedEvent({ position, attributes: { partitionkey: key } }), new Turns())!.name;
    const keys = Array.from({ length: 300 }, (_, index) => `k${index}`);
    for (const key of keys) assert.equal(ownerOf(two, key, 1), ownerOf(two, key, 2), key);
    const counts = Object.groupBy(keys, (key) => ownerOf(three, key, 1));
    for (const name of ["a", "b", "c"]) assert.ok(counts[name]!.length > 60, `${name} has its share`);
    const moved = keys.filter((key) => ownerOf(two, key, 1) !== ownerOf(three, key, 1));
    assert.deepEqual(moved, counts.c, "only the new member takes keys");
  });

  it("may reply unless its members do not, do not want the event, or are paused", () => {
    assert.ok(mayReply(groupOf(subscription("a")), storedEvent()));
    assert.ok(!mayReply(groupOf(subscription("a", { replies: false })), storedEvent()));
    assert.ok(!mayReply(groupOf(subscription("a", { paused: true })), storedEvent()));
    assert.ok(!mayReply(groupOf(subscription("a", { filter: { exact: { type: "x" } } })), storedEvent()));
  });
});

describe("a delivery", () => {
  it("is a CloudEvents request in binary mode", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const attributes = { subject: "é", datacontenttype: "application/json", traceparent };
    const event = storedEvent({ attributes, position: 7 });
    const call = delivered(event, subscription("mail", { path: "/in?a=1" }));
    assert.deepEqual(call.target, { function: "mail" });
    assert.equal(call.queue, "sub/mail");
    assert.equal(call.request.method, "POST");
    assert.equal(call.request.path, "/in?a=1");
    assert.equal(call.request.body, event.data);
    assert.deepEqual(headersOf(call.request.headers), {
      ...{ "ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/shop", "ce-type": "order.created" },
      ...{ "ce-subject": "%C3%A9", "ce-traceparent": traceparent, "content-type": "application/json" },
      ...{ "skiff-topic": "orders", "skiff-subscription": "mail" },
    });
    assert.deepEqual(call.origin, {
      ...{ kind: "subscription", name: "mail", topic: "orders", group: "g", position: 7, event: "e1" },
    });
    assert.equal(call.traceparent, traceparent);
    assert.equal(call.keepsRecord, false);
    assert.equal(call.orderKey, "");
  });

  it("has the order key that the subscription names", () => {
    const event = storedEvent({ attributes: { partitionkey: "p", customer: "c" } });
    assert.equal(delivered(event, subscription("a", { order: "key" })).orderKey, "p");
    assert.equal(delivered(event, subscription("a", { order: "key", orderBy: "customer" })).orderKey, "c");
    assert.equal(delivered(event, subscription("a", { order: "key", orderBy: "none" })).orderKey, "");
  });

  it("has one attempt while somebody waits for the reply", () => {
    const event = storedEvent({ waiter: { id: "w", until: 5_000 } });
    const call = delivered(event, subscription("a"), 2_000);
    assert.deepEqual(call.policy, { attempts: 1, backoffMs: 0, maxAgeMs: 3_000, on: [] });
    assert.equal((call.origin as { waiter?: string }).waiter, "w");
    for (const [member, now] of [
      [subscription("a", { replies: false }), 2_000],
      [subscription("a", { paused: true }), 2_000],
      [subscription("a"), 5_000],
    ] as const) {
      const other = delivered(event, member, now);
      assert.equal(other.policy, DEFAULT_RETRY);
      assert.equal((other.origin as { waiter?: string }).waiter, undefined);
    }
  });

  it("to a function is the request of the client, and to a URL the event alone", () => {
    const http = { method: "PUT", path: "/test/a?b=1", headers: ["cookie", "c=1", "host", "h"] };
    const event = storedEvent({ http, attributes: { datacontenttype: "text/plain" } });
    const { method, path, headers } = delivered(event, subscription("a", { path: "/ignored" })).request;
    assert.equal(method, "PUT");
    assert.equal(path, "/test/a?b=1");
    const fields = headersOf(headers);
    assert.equal(fields.cookie, "c=1");
    assert.equal(fields["ce-id"], "e1");
    assert.equal(fields["content-type"], "text/plain");
    const call = delivered(event, subscription("a", { url: "https://example.com/in?x=1" }));
    assert.deepEqual(call.target, { url: "https://example.com/in?x=1" });
    assert.equal(call.request.method, "POST");
    assert.equal(call.request.path, "/in?x=1");
    assert.equal(headersOf(call.request.headers).cookie, undefined);
  });

  it("to a flow is the event alone", () => {
    const http = { method: "PUT", path: "/test/a?b=1", headers: ["cookie", "c=1", "host", "h"] };
    const { target, request } = delivered(storedEvent({ http }), subscription("a", { flow: "ship" }));
    assert.deepEqual([target, request.method], [{ flow: "ship" }, "POST"]);
    const { cookie, ...fields } = headersOf(request.headers);
    assert.deepEqual([cookie, fields["ce-id"], fields["skiff-subscription"]], [undefined, "e1", "a"]);
  });
});
