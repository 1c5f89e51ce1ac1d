import assert from "node:assert/strict";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import { openApi } from "../../../../manager/openapi/openapi.ts";
import type { StoredBody } from "../../../../store/bodies.ts";
import type { Firing } from "../../../../store/timers.ts";
import type { StoredEvent } from "../../../../store/topics.ts";
import { eventually } from "../../../support/eventually.ts";
import { schemaFaults } from "../../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../../started-manager.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

const HOUR_MS = 3_600_000;

describe("manager: events of a topic", () => {
  let skiff: StartedManager;
  let events: StoredEvent[];
  let firings: Firing[];
  const place = { position: 0, isJoined: false };
  beforeEach(async () => {
    [events, firings] = [[], []];
    Object.assign(place, { position: 0, isJoined: false });
    const end = () => events.at(-1)?.position ?? 0;
    const topics = {
      read: async (_: string, after: number, limit: number) =>
        events.filter(({ position }) => position > after).slice(0, limit),
      positionAt: async (_: string, time: number) =>
        (events.find(({ publishedAt }) => publishedAt >= time)?.position ?? end() + 1) - 1,
      move: async (_topic: string, _group: string, position: number) => {
        if (place.isJoined) place.position = position;
        return place.isJoined;
      },
      join: async () => {
        place.isJoined = true;
      },
      stats: async () => {
        const group = { group: "s", position: place.position, lag: end() - place.position };
        const counts = { published: end(), events: events.length, bytes: 0 };
        return [{ topic: "orders", end: end(), ...counts, groups: place.isJoined ? [group] : [] }];
      },
    };
    const bodies = {
      async *read({ id }: { id: string }) {
        yield Buffer.from(`"${id}`);
        yield Buffer.from('"');
      },
    };
    const timers = {
      get: async () => undefined,
      firings: async (
        _: string,
        { before = Number.POSITIVE_INFINITY, limit }: { before?: number; limit: number },
      ) => firings.filter(({ at }) => at < before).slice(0, limit),
    };
    const audit = { append: async () => {} };
    const store = { usage: {}, audit, calls: {}, topics, timers, bodies } as unknown as ManagerStore;
    skiff = await startManager({ store });
    await skiff.platform.declarations.put("Topic", "orders", { spec: {} });
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const document: Any = openApi(LIMITS, { mode: "loopback" });
  const assertSchema = (name: string, body: unknown) =>
    assert.deepEqual(schemaFaults(document.components.schemas[name], body, document), []);

  function publish(data: StoredBody | string, given: Partial<StoredEvent> = {}): void {
    const position = events.length + 1;
    const body = typeof data === "string" ? { inline: Buffer.from(data) } : data;
    const base = { topic: "orders", id: `e${position}`, source: "/s", type: "t", isDeduplicated: false };
    events.push({ ...base, attributes: {}, data: body, position, publishedAt: position * HOUR_MS, ...given });
  }

  const positions = (text: string): number[] =>
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).position);
  const read = async (query: string): Promise<string> => {
    const { text, headers } = await app().get(`/topic/orders/events${query}`).buffer().expect(200);
    assert.equal(headers["content-type"], "application/x-ndjson");
    return text;
  };

  it("are written as CloudEvents in JSON, with data by its type", async () => {
    publish('{"a":1}', { attributes: { subject: "x" } });
    publish("hi", { attributes: { datacontenttype: "text/plain; charset=utf-8" } });
    publish({ inline: Buffer.from([0xff, 0x00]) }, { attributes: { datacontenttype: "image/png" } });
    publish("{", { attributes: { datacontenttype: "application/vnd.a+json" } });
    publish("");
    publish({ id: "large", bytes: 7 });
    publish("", { http: { method: "PUT", path: "/a", headers: ["authorization", "secret"] } });
    const lines = (await read(""))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const base = { specversion: "1.0", source: "/s", type: "t" };
    assert.deepEqual(lines[0], {
      ...{ position: 1, publishedAt: "1970-01-01T01:00:00.000Z" },
      event: { ...base, id: "e1", subject: "x", data: { a: 1 } },
    });
    const contents = lines.slice(1).map(({ event }) => event.data ?? event.data_base64);
    assert.deepEqual(contents, ["hi", "/wA=", "ew==", undefined, "large", undefined]);
    assert.deepEqual(lines[6].http, { method: "PUT", path: "/a" });
  });

  it("are written in base64 with data that is nested very deeply, and others after them", async () => {
    const deep = "[".repeat(20_000) + "]".repeat(20_000);
    publish(deep);
    publish('{"a":1}');
    const lines = (await read(""))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    assert.equal(Buffer.from(lines[0].data_base64, "base64").toString(), deep);
    assert.deepEqual(lines[1].data, { a: 1 });
  });

  it("begin at a position, a time or the end, and have a limit", async () => {
    for (let i = 0; i < 250; i++) publish("");
    assert.equal(positions(await read("")).length, 100);
    assert.equal(positions(await read("?limit=240")).length, 240);
    assert.deepEqual(positions(await read("?from=249")), [249, 250]);
    assert.deepEqual(positions(await read("?from=latest")), []);
    assert.deepEqual(positions(await read("?from=earliest&limit=2")), [1, 2]);
    assert.deepEqual(positions(await read("?from=1970-01-11T09:00:00Z&limit=1")), [249]);
    for (const query of ["?from=soon", "?limit=0", "?follow=maybe"])
      await app().get(`/topic/orders/events${query}`).expect(400);
    assert.equal((await app().get("/topic/none/events").expect(404)).body.code, "unknown_topic");
  });

  it("are followed, and go on after a lost connection", async () => {
    publish("");
    const leaving = new AbortController();
    const headers = { accept: "text/event-stream" };
    const answer = await fetch(`${skiff.url}/topic/orders/events`, { headers, signal: leaving.signal });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) seen.push(chunk);
    })().catch((error: Error) => error.name);
    await eventually("the head arrives", () => seen.join("").includes("id: 1\n\n"));
    publish('"new"');
    await eventually("the event arrives", () => /id: 2\ndata: .*"data":"new"/.test(seen.join("")));
    leaving.abort();
    assert.equal(await reading, "AbortError");
    publish("");
    const again = app().get("/topic/orders/events?follow=false").set("last-event-id", "2").set(headers);
    assert.match((await again.buffer().expect(200)).text, /^retry: 1000\nid: 2\n\nid: 3\ndata: /);
  });

  it("are delivered again after a replay", async () => {
    await skiff.platform.declarations.put("Subscription", "s", { spec: { topic: "orders", function: "f" } });
    for (let i = 0; i < 5; i++) publish("");
    const replay = (from: string) => app().post(`/subscription/s/replay?from=${from}`);
    const moved = (await replay("earliest").expect(200)).body;
    assert.deepEqual(moved, { topic: "orders", group: "s", position: 0, lag: 5 });
    assertSchema("Replay", moved);
    for (const [from, position] of [
      ["latest", 5],
      ["4", 3],
      ["6", 5],
      ["500", 5],
      ["0", 0],
      ["1970-01-01T03:00:00Z", 2],
    ] as const)
      assert.equal((await replay(from).expect(200)).body.position, position, from);
    await app().post("/subscription/s/replay").expect(400);
    const wrong = await replay("newest").expect(400);
    assert.match(wrong.body.detail, /use earliest, latest, a position, or a time/);
    assert.equal(
      (await app().post("/subscription/none/replay?from=1").expect(404)).body.code,
      "unknown_subscription",
    );
    await skiff.platform.declarations.put("Subscription", "bad", { spec: {} });
    const { body } = await app().post("/subscription/bad/replay?from=1").expect(400);
    assert.equal(body.code, "invalid_declaration");
  });

  it("come from schedules, whose firings are listed newest first", async () => {
    const spec = { cron: "@hourly", event: { topic: "orders" } };
    await skiff.platform.declarations.put("Schedule", "report", { spec });
    firings = [5, 4, 3].map((hour) => ({
      at: hour * HOUR_MS,
      firedAt: hour * HOUR_MS + 7,
      outcome: "fired",
      event: "e",
    }));
    const first = (await app().get("/schedule/report/firings?limit=2").expect(200)).body;
    assertSchema("FiringPage", first);
    assert.deepEqual(first.firings[0], {
      ...{ at: "1970-01-01T05:00:00.000Z", firedAt: "1970-01-01T05:00:00.007Z" },
      ...{ outcome: "fired", event: "e" },
    });
    const second = (await app().get(`/schedule/report/firings?cursor=${first.next}`).expect(200)).body;
    assert.deepEqual([second.firings.length, second.next], [1, null]);
    assert.equal((await app().get("/schedule/none/firings").expect(404)).body.code, "unknown_schedule");
    const { next } = (await app().get("/schedule/report").expect(200)).body;
    assert.equal(next.length, 10);
    for (const [index, at] of next.entries())
      assert.equal(Date.parse(at) - Date.parse(next[0]), index * HOUR_MS);
  });
});
