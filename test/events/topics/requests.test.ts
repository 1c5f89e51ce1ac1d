import assert from "node:assert/strict";
import { headersOf } from "../../../calling/cloudevents/http-event.ts";
import type { StoredEvent } from "../../../store/topics.ts";
import { eventually } from "../../support/eventually.ts";
import { type AnsweringTopics, answeringTopics } from "./answering-topics.ts";

let topics: AnsweringTopics;

function post(path: string, body = "", headers: Record<string, string> = {}): Promise<Response> {
  return fetch(topics.url + path, { method: "POST", body, headers });
}

async function problemOf(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}

async function published(topic: string): Promise<StoredEvent[]> {
  return topics.memory.read(topic, 0, 100);
}

function textOf({ data }: StoredEvent): string {
  return "inline" in data ? Buffer.from(data.inline).toString() : data.id;
}

describe("POST /topic/NAME", () => {
  afterEach(() => topics.close());
  beforeEach(async () => {
    topics = await answeringTopics();
    await topics.declareTopic("orders");
  });

  it("stores plain data as an event", async () => {
    const response = await post("/topic/orders", "hello", {
      "content-type": "text/plain",
      "ce-subject": "s",
    });
    assert.equal(response.status, 202);
    const [event] = await published("orders");
    assert.deepEqual(await response.json(), { events: [{ id: event!.id, position: 1 }] });
    assert.equal(event!.type, "dev.skiff.event");
    assert.equal(event!.source, "/topic/orders");
    assert.equal(event!.attributes.subject, "s");
    assert.equal(event!.attributes.datacontenttype, "text/plain");
    assert.equal(event!.attributes.traceparent, response.headers.get("traceparent"));
    assert.equal(textOf(event!), "hello");
    assert.equal(event!.isDeduplicated, false);
  });

  it("replaces a trace context that is not valid, and counts answers itself", async () => {
    const headers = { "ce-traceparent": "%E2%82%AC", "ce-tracestate": "%E2%82%AC", "ce-skiffhops": "-99" };
    const plain = await post("/topic/orders", "", headers);
    assert.equal(plain.status, 202);
    const event = { specversion: "1.0", id: "2", source: "/s", type: "t", traceparent: "€", skiffhops: -99 };
    const structured = { "content-type": "application/cloudevents+json" };
    const json = await post("/topic/orders", JSON.stringify(event), structured);
    assert.equal(json.status, 202);
    for (const [index, { attributes }] of (await published("orders")).entries()) {
      assert.match(attributes.traceparent!, /^00-[0-9a-f]{32}-/);
      assert.equal(attributes.traceparent, [plain, json][index]!.headers.get("traceparent"));
      assert.deepEqual([attributes.tracestate, attributes.skiffhops], [undefined, undefined]);
    }
  });

  it("refuses attributes whose header fields would be too long for a function", async () => {
    const event = { specversion: "1.0", id: "2", source: "/s", type: "t", big: "é".repeat(3_500) };
    const headers = { "content-type": "application/cloudevents+json" };
    assert.equal((await post("/topic/orders", JSON.stringify(event), headers)).status, 400);
    const fits = { ...event, big: "é".repeat(2_500) };
    assert.equal((await post("/topic/orders", JSON.stringify(fits), headers)).status, 202);
  });

  it("takes CloudEvents in each mode, and a batch as a whole", async () => {
    const binary = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t" };
    assert.equal((await post("/topic/orders", "x", binary)).status, 202);
    const event = { specversion: "1.0", id: "2", source: "/s", type: "t", data: { a: 1 } };
    const structured = { "content-type": "application/cloudevents+json" };
    assert.equal((await post("/topic/orders", JSON.stringify(event), structured)).status, 202);
    const batch = { "content-type": "application/cloudevents-batch+json" };
    const events = [
      { ...event, id: "3" },
      { ...event, id: "4" },
    ];
    const response = await post("/topic/orders", JSON.stringify(events), batch);
    assert.deepEqual(await response.json(), {
      events: [
        { id: "3", position: 3 },
        { id: "4", position: 4 },
      ],
    });
    const wrong = JSON.stringify([{ ...event, id: "5" }, {}]);
    assert.equal(await problemOf(await post("/topic/orders", wrong, batch)), "400 invalid_request");
    assert.equal((await published("orders")).length, 4);
  });

  it("stores a repeated event once", async () => {
    const [first, second] = [
      await post("/topic/orders", "x", { "idempotency-key": "k" }),
      await post("/topic/orders", "x", { "idempotency-key": "k" }),
    ];
    assert.deepEqual(await first.json(), { events: [{ id: "k", position: 1 }] });
    assert.deepEqual(await second.json(), { events: [{ id: "k", position: 1, duplicate: true }] });
  });

  it("refuses an event that is too large, at once if its length is known", async () => {
    await topics.declareTopic("small", { maxEvent: "10" });
    assert.equal((await post("/topic/small", "0123456789")).status, 202);
    assert.equal(await problemOf(await post("/topic/small", "0123456789x")), "413 event_too_large");
    const big = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"0123456789"}`;
    const structured = { "content-type": "application/cloudevents+json" };
    assert.equal(await problemOf(await post("/topic/small", big, structured)), "413 event_too_large");
    const parts = new ReadableStream({ pull: (sink) => sink.enqueue(Buffer.alloc(1_000)) });
    const endless = { method: "POST", body: parts, duplex: "half" } as RequestInit;
    assert.equal(await problemOf(await fetch(`${topics.url}/topic/small`, endless)), "413 event_too_large");
  });

  it("keeps a large event outside of its row", async () => {
    const response = await post("/topic/orders", "x".repeat(70_000));
    assert.equal(response.status, 202);
    assert.equal(textOf((await published("orders"))[0]!), "body0");
  });

  it("knows topics that are declared, or that a subscription names", async () => {
    assert.equal(await problemOf(await post("/topic/none")), "404 unknown_topic");
    await topics.subscribe("mail", { topic: "named" });
    assert.equal((await post("/topic/named")).status, 202);
    await topics.subscribe("mail", { topic: "other", replyTo: "named" });
    assert.equal((await post("/topic/named")).status, 202);
    await topics.removeSubscription("mail");
    assert.equal(await problemOf(await post("/topic/named")), "404 unknown_topic");
  });

  it("sends replies to a topic that there is", async () => {
    assert.equal(
      await problemOf(await post("/topic/orders", "", { "reply-to": "none" })),
      "404 unknown_topic",
    );
    await topics.declareTopic("replies");
    const reply = { headers: { "ce-specversion": "1.0", "ce-type": "done" }, body: "yes" };
    await topics.subscribe("mail", { topic: "orders" }, () => reply);
    assert.equal((await post("/topic/orders", "", { "reply-to": "replies" })).status, 202);
    await eventually("the answer is published", async () => (await published("replies")).length === 1);
    const [event] = await published("replies");
    assert.equal(event!.type, "done");
    assert.equal(textOf(event!), "yes");
  });
});

describe("who may publish", () => {
  afterEach(() => topics.close());
  const page = { origin: "http://evil.example" };

  it("is everybody in a public topic, and programs of the machine where nothing asks for a token", async () => {
    topics = await answeringTopics({ mode: "loopback" });
    await topics.declareTopic("open", { access: "public" });
    await topics.declareTopic("closed");
    assert.equal((await post("/topic/open", "", page)).status, 202);
    assert.equal((await post("/topic/closed")).status, 202);
    assert.equal(await problemOf(await post("/topic/closed", "", page)), "403 forbidden");
    const toClosed = { ...page, "reply-to": "closed" };
    assert.equal(await problemOf(await post("/topic/open", "", toClosed)), "403 forbidden");
  });

  it("is whoever has the token, where it is asked for", async () => {
    const tokenHash = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from("secret"))).toString(
      "hex",
    );
    topics = await answeringTopics({ mode: "token", tokenHash, whereabouts: "" });
    await topics.declareTopic("open", { access: "public", paths: ["/open"] });
    await topics.declareTopic("closed", { paths: ["/closed"], replyTimeout: "0s" });
    assert.equal((await post("/topic/open")).status, 202);
    assert.equal(await problemOf(await post("/topic/closed")), "401 unauthorized");
    assert.equal(await problemOf(await post("/gateway/closed")), "401 unauthorized");
    const token = { authorization: "Bearer secret" };
    assert.equal((await post("/topic/closed", "", token)).status, 202);
    assert.equal((await post("/gateway/closed", "", token)).status, 202);
    const [, event] = await published("closed");
    assert.ok(!JSON.stringify(event).includes("secret"), "the token is not stored");
    assert.equal(
      await problemOf(await post("/topic/open", "", { "reply-to": "closed" })),
      "401 unauthorized",
    );
  });
});

describe("POST /topic/NAME/call", () => {
  afterEach(() => topics.close());
  beforeEach(async () => {
    topics = await answeringTopics();
    await topics.declareTopic("orders");
  });

  it("answers with the reply of a subscriber", async () => {
    await topics.subscribe("mail", { topic: "orders" }, ({ request }) => ({
      ...{ status: 201, headers: { "content-type": "text/x", "x-own": "1" } },
      body: `${request.method} ${headersOf(request.headers)["ce-subject"]}`,
    }));
    await topics.subscribe("archive", { topic: "orders" }, () => ({ status: 204 }));
    const response = await post("/topic/orders/call?timeout=5s", "", { "ce-subject": "hi" });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "POST hi");
    assert.equal(response.headers.get("content-type"), "text/x");
    assert.equal(response.headers.get("x-own"), "1");
  });

  it("says at once why there is no reply", async () => {
    assert.equal(await problemOf(await post("/topic/orders/call")), "404 no_subscriber");
    assert.equal((await published("orders")).length, 0);
    await topics.subscribe("archive", { topic: "orders", replies: false }, () => ({ body: "mine" }));
    assert.equal(await problemOf(await post("/topic/orders/call")), "404 no_subscriber");
    await topics.subscribe("resting", { topic: "orders", paused: true });
    const { detail: why } = (await (await post("/topic/orders/call")).json()) as { detail: string };
    assert.match(
      why,
      /^Only paused subscriptions \(resting\) answer .+ POST \/subscription\/resting\/resume\.$/,
    );
    await topics.subscribe("mail", { topic: "orders" }, () => ({ status: 204 }));
    assert.equal(await problemOf(await post("/topic/orders/call")), "502 no_reply");
    topics.subscribers.set("mail", () => ({ status: 422, body: "no such\norder" }));
    const response = await post("/topic/orders/call");
    const { code, reply, detail } = (await response.json()) as Record<string, unknown>;
    assert.deepEqual(
      [response.status, code, reply],
      [502, "reply_failed", { status: 422, text: "no such order" }],
    );
    assert.equal(detail, "The function answered 422. It says: no such order");
  });

  it("waits no longer than it was asked to", async () => {
    await topics.subscribe("mail", { topic: "orders" });
    const startMs = performance.now();
    assert.equal(await problemOf(await post("/topic/orders/call?timeout=50ms")), "504 reply_timeout");
    assert.ok(performance.now() - startMs < 20_000);
    assert.equal(await problemOf(await post("/topic/orders/call?timeout=soon")), "400 invalid_request");
    assert.equal(await problemOf(await post("/topic/orders/call?timeout=1h")), "400 invalid_request");
  });

  it("publishes one event", async () => {
    await topics.subscribe("mail", { topic: "orders" });
    const event = { specversion: "1.0", id: "2", source: "/s", type: "t" };
    const batch = { "content-type": "application/cloudevents-batch+json" };
    const response = await post("/topic/orders/call", JSON.stringify([event, { ...event, id: "3" }]), batch);
    assert.equal(await problemOf(response), "400 invalid_request");
    assert.equal((await published("orders")).length, 0);
  });
});

describe("/gateway", () => {
  afterEach(() => topics.close());
  beforeEach(async () => {
    topics = await answeringTopics();
    await topics.declareTopic("test", { paths: ["/test"], access: "public" });
  });

  it("hands the request and the reply through unchanged", async () => {
    await topics.subscribe("echo", { topic: "test" }, ({ request }) => {
      const {
        host,
        cookie,
        "ce-type": type,
        "ce-subject": subject,
        authorization,
      } = headersOf(request.headers);
      const { method, path, body } = request;
      const text = "inline" in body ? Buffer.from(body.inline).toString() : "";
      const seen = { method, path, host, cookie, type, subject, authorization, text };
      return { status: 418, headers: { "x-own": "1", "content-type": "text/x" }, body: JSON.stringify(seen) };
    });
    const response = await fetch(`${topics.url}/gateway/test/a%20b?x=1`, {
      ...{ method: "PUT", body: "data" },
      headers: { cookie: "c=1", "ce-type": "forged", authorization: "Bearer mine" },
    });
    assert.equal(response.status, 418);
    assert.equal(response.headers.get("x-own"), "1");
    assert.deepEqual(await response.json(), {
      ...{ method: "PUT", path: "/test/a%20b?x=1", host: new URL(topics.url).host, cookie: "c=1" },
      ...{ type: "dev.skiff.http", subject: "/test/a%2520b", authorization: "Bearer mine", text: "data" },
    });
  });

  it("hands on an empty answer, and what a HEAD brings", async () => {
    await topics.subscribe("empty", { topic: "test" }, ({ request }) =>
      request.method === "HEAD" ? { headers: { "content-length": "7" } } : { status: 204 },
    );
    assert.equal((await post("/gateway/test")).status, 204);
    const head = await fetch(`${topics.url}/gateway/test`, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("content-length"), "7");
  });

  it("answers at once where nobody waits for a reply", async () => {
    await topics.declareTopic("test", { paths: ["/test"], access: "public", replyTimeout: "0s" });
    assert.equal((await post("/gateway/test", "x")).status, 202);
    assert.equal((await published("test")).length, 1);
  });

  it("has problems for paths without a topic, without a subscriber and with too much", async () => {
    assert.equal(await problemOf(await post("/gateway/other")), "404 unknown_route");
    assert.equal(await problemOf(await post("/gateway")), "404 unknown_route");
    assert.equal(await problemOf(await post("/gateway/test")), "404 no_subscriber");
    assert.equal(await problemOf(await post("/gateway/test", "x".repeat(1_100_000))), "413 event_too_large");
  });
});
