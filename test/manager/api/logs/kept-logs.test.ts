import { strict as assert } from "node:assert";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import type { LogLine } from "../../../../platform/platform.ts";
import { LogBatches } from "../../../../store/log-batches.ts";
import { SegmentLogStore } from "../../../../store/segments/segment-log-store.ts";
import { eventually } from "../../../support/eventually.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

const MINUTE_MS = 60_000;
const CALL = "7d0c6a52-55d3-4c3e-9d5b-0f6f5ad9b6a1";

describe("manager: reading the kept logs of a function", () => {
  let folder: string;
  let skiff: StartedManager;
  let logs: LogBatches;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-"));
    const store = new SegmentLogStore({ folder, ageMs: 1e9, bytes: 64 * 1024 ** 2, print: assert.fail });
    logs = new LogBatches({ store, print: assert.fail });
    // Usage and audit are not used here.
    skiff = await startManager({ store: { logs } as unknown as ManagerStore });
    await request(skiff.url).post("/func?name=hello").send("x").expect(201);
  });
  afterEach(async () => {
    await skiff.stop();
    await logs.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const read = (query = "", headers: Record<string, string> = {}) =>
    request(skiff.url).get(`/func/hello/logs${query}`).set(headers);
  const json = async (
    query = "",
    headers: Record<string, string> = {},
  ): Promise<Record<string, unknown>[]> => {
    const { text } = await read(query, { accept: "application/x-ndjson", ...headers })
      .buffer(true)
      .expect(200);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  };
  const texts = async (query: string) => (await json(query)).map(({ text }) => text);

  function print(text: string, more: Partial<LogLine> = {}): void {
    logs.push("hello", { at: new Date(), instance: "i-1", version: 1, stream: "stdout", text, ...more });
  }

  /** Headers have come when this resolves; the text grows. */
  async function open(query: string, headers: Record<string, string>) {
    const [response] = (await once(
      get(`${skiff.url}/func/hello/logs?${query}`, { headers }),
      "response",
    )) as [IncomingMessage];
    let text = "";
    response.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    response.on("error", () => {});
    return { response, text: () => text };
  }

  it("gives text with every column", async () => {
    const at = new Date("2026-11-29T10:00:00.123Z");
    print("in a call\nsecond line", { at, level: "warn", callId: CALL, version: 3 });
    print("about it", { at, instance: "", stream: "platform" });
    const { text, headers } = await read().expect(200);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
    assert.match(headers.vary!, /accept/i);
    assert.deepEqual(text.split("\n"), [
      `2026-11-29T10:00:00.123Z v3 i-1 stdout warn ${CALL} in a call`,
      `2026-11-29T10:00:00.123Z v3 i-1 stdout warn ${CALL} second line`,
      "2026-11-29T10:00:00.123Z v1 - platform info - about it",
      "",
    ]);
  });

  it("gives NDJSON with every member", async () => {
    print("failed\n at x", { level: "error", callId: CALL });
    print("GET / 502 in 12 ms", { stream: "call", status: 502, level: "error", callId: CALL });
    const lines = await json();
    assert.ok(lines.every(({ at, id }) => typeof at === "string" && typeof id === "string"));
    const shared = { function: "hello", version: 1, instance: "i-1", level: "error", callId: CALL };
    assert.deepEqual(
      lines.map(({ at, id, ...line }) => line),
      [
        { ...shared, stream: "stdout", text: "failed\n at x" },
        { ...shared, stream: "call", status: 502, text: "GET / 502 in 12 ms" },
      ],
    );
  });

  it("filters by each parameter and all of them together", async () => {
    const now = Date.now();
    print("old", { at: new Date(now - 20 * MINUTE_MS) });
    print("warned", { at: new Date(now - 10 * MINUTE_MS), level: "warn", callId: CALL, version: 2 });
    print("GET / 500 in 1 ms", { stream: "call", status: 500, level: "error", callId: "other" });
    print("new Ärger", {});
    assert.deepEqual(await texts("?since=15m"), ["warned", "GET / 500 in 1 ms", "new Ärger"]);
    assert.deepEqual(await texts("?until=15m"), ["old"]);
    const since = new Date(now - 15 * MINUTE_MS).toISOString();
    assert.deepEqual(await texts(`?since=${since}&until=5m`), ["warned"]);
    assert.deepEqual(await texts(`?call=${CALL}`), ["warned"]);
    assert.deepEqual(await texts("?level=warn"), ["warned", "GET / 500 in 1 ms"]);
    assert.deepEqual(await texts("?version=2"), ["warned"]);
    assert.deepEqual(await texts("?search=%C3%A4rger"), ["new Ärger"]);
    assert.deepEqual(await texts("?status=5xx"), ["GET / 500 in 1 ms"]);
    assert.deepEqual(await texts("?tail=1&level=warn"), ["GET / 500 in 1 ms"]);
    assert.deepEqual(await texts(`?since=15m&call=${CALL}&level=info&version=2&search=WARN`), ["warned"]);
  });

  it("gives all lines of a call or a time, and otherwise the last 100", async () => {
    for (let n = 0; n < 300; n++) print(`${n}`, { callId: CALL });
    assert.equal((await json()).length, 100);
    assert.equal((await json(`?call=${CALL}`)).length, 300);
    assert.equal((await json("?since=1h")).length, 300);
    assert.equal((await json("?since=1h&tail=5")).length, 5);
  });

  it("sends events that resume without a line missing or repeated, although the connection is cut ten times", async () => {
    const count = 500;
    let printed = 0;
    const timer = setInterval(() => {
      for (let n = 0; n < 7 && printed < count; n++) print(`${printed++}`);
    }, 5);
    const seen: number[] = [];
    let last: string | undefined;
    for (let cut = 0; cut <= 10; cut++) {
      const headers = {
        accept: "text/event-stream",
        ...(last === undefined ? {} : { "last-event-id": last }),
      };
      const { response, text } = await open(last === undefined ? "tail=10000" : "", headers);
      assert.equal(response.headers["content-type"], "text/event-stream");
      assert.match(text() || "retry: 1000\n\n", /^retry: 1000\n(id: \S+\n)?\n/);
      const events = () => [...text().matchAll(/^id: (\S+)\ndata: (.*)\n\n/gm)];
      const wanted = cut === 10 ? count - seen.length : Math.min(30, count - seen.length);
      await eventually(`${wanted} events`, () => events().length >= wanted);
      response.destroy();
      for (const [, id, data] of events()) {
        seen.push(Number(JSON.parse(data!).text));
        last = id;
      }
    }
    clearInterval(timer);
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, n) => n),
    );
  });

  it("sends a position before any line, so that a client that has seen none misses none", async () => {
    for (const query of ["tail=0", "search=wanted"]) {
      const accept = "text/event-stream";
      const { response, text } = await open(query, { accept });
      await eventually("the head", () => text() !== "");
      response.destroy();
      const [, position] = /^retry: 1000\nid: (\S+)\n\n/.exec(text())!;
      print("other");
      print(`wanted ${query}`);
      const resumed = await open("search=wanted", { accept, "last-event-id": position! });
      await eventually("the line", () => resumed.text().includes(`wanted ${query}`));
      resumed.response.destroy();
    }
  });

  it("follows in every form, through filters, at once", async () => {
    for (const accept of ["text/plain", "application/x-ndjson", "text/event-stream"]) {
      const { response, text } = await open("follow=true&tail=0&level=error", { accept });
      await eventually("the log is followed", () => {
        print("no");
        print(`yes ${accept}`, { level: "error" });
        return text().includes(`yes ${accept}`);
      });
      const startMs = performance.now();
      print("the last", { level: "error" });
      await eventually("it came", () => text().includes("the last"));
      assert.ok(performance.now() - startMs < 10_000);
      assert.ok(!text().includes("no"), text());
      response.destroy();
    }
  });

  it("ends events that are not to be followed", async () => {
    print("one");
    const { text } = await read("?follow=false", { accept: "text/event-stream" })
      .buffer(true)
      .parse(asText)
      .expect(200);
    assert.match(text ?? "", /^retry: 1000\n\nid: \S+\ndata: \{.*"text":"one".*\}\n\n$/);
  });

  it("ends what is followed when the function is removed, and forgets its lines", async () => {
    print("before");
    const { response, text } = await open("follow", { accept: "text/plain" });
    await eventually("the line", () => text().includes("before"));
    const ended = once(response, "end");
    await request(skiff.url).delete("/func/hello").expect(200);
    await ended;
    await read().expect(404);
    await request(skiff.url).post("/func?name=hello").send("y").expect(201);
    assert.equal((await read().expect(200)).text, "");
  });

  it("refuses an id that no line has, also when it is followed", async () => {
    for (const query of ["", "?follow=true"]) {
      const answer = await read(query, { "last-event-id": "nonsense" }).expect(400);
      assert.equal(answer.body.code, "invalid_request");
      assert.match(answer.body.detail, /"nonsense" is not the id of a log line/);
    }
  });

  for (const query of [
    ...[
      "since=yesterday",
      "since=15",
      "until=2026-13-01",
      "since=2026-02-31",
      "call=a%20b",
      "level=fatal",
      "version=0",
    ],
    ...["search=", "status=600", "status=5x", "tail=10001"],
  ]) {
    it(`refuses ${query} and says what is allowed`, async () => {
      const { body } = await read(`?${query}`).expect(400);
      assert.equal(body.code, "invalid_request");
      assert.match(body.detail, new RegExp(`^${query.split("=")[0]}=.* must `));
    });
  }
});

function asText(response: request.Response, done: (error: Error | null, body: unknown) => void): void {
  let text = "";
  const stream = response as unknown as NodeJS.ReadableStream;
  stream.on("data", (chunk) => {
    text += chunk;
  });
  stream.on("end", () => {
    response.text = text;
    done(null, text);
  });
}
