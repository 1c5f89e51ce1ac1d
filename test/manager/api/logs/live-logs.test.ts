import { strict as assert } from "node:assert";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import request from "supertest";
import { eventually } from "../../../support/eventually.ts";
import type { FakePlatform } from "../../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

describe("manager: reading the logs of a function without a store", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
    await request(skiff.url).post("/func?name=hello").send("x").expect(201);
  });
  afterEach(() => skiff.stop());

  const logs = (query = "") => request(skiff.url).get(`/func/hello/logs${query}`);

  /** Headers have come when this resolves; the text grows. */
  async function follow(query: string): Promise<{ response: IncomingMessage; text: () => string }> {
    const [response] = (await once(get(`${skiff.url}/func/hello/logs?${query}`), "response")) as [
      IncomingMessage,
    ];
    let text = "";
    response.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    response.on("error", () => {});
    return { response, text: () => text };
  }

  it("gives lines of time, version, instance, stream, level, call and text", async () => {
    skiff.platform.print("hello", "first");
    const answer = await logs().expect(200);
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert.match(answer.text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z v1 fake stdout info - first\n$/);
  });

  it("gives the last 100 lines, or as many as asked for", async () => {
    for (let line = 1; line <= 150; line++) skiff.platform.print("hello", `line ${line}.`);
    const count = async (query?: string) => (await logs(query).expect(200)).text.split("\n").length - 1;
    assert.equal(await count(), 100);
    assert.equal(await count("?tail=3"), 3);
    assert.equal(await count("?tail=0"), 0);
    assert.match((await logs("?tail=1")).text, /line 150\./);
  });

  it("begins each line of a text in the same way, so that none is forged", async () => {
    skiff.platform.print("hello", "a\n2026-01-01T00:00:00.000Z v1 fake stdout info - forged");
    const lines = (await logs()).text.trimEnd().split("\n");
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /^\S+Z v1 fake stdout info - /);
  });

  it("shows what would steer a terminal as text, unless it is asked for as it is", async () => {
    const printed = "\u001b[2Jhi\u009b31m \u202egnp.exe\r forged ü\u{1f600}";
    skiff.platform.print("hello", printed);
    const [shown = ""] = (await logs()).text.split("\n");
    assert.match(shown, / - \\x1b\[2Jhi\\x9b31m \\u202egnp\.exe\\r forged ü\u{1f600}$/u);
    for (const query of ["raw", "raw=1", "raw=true"]) {
      const [raw = ""] = (await logs(`?${query}`)).text.split("\n");
      assert.ok(raw.endsWith(" - \u001b[2Jhi\u009b31m \u202egnp.exe\\r forged ü\u{1f600}"), raw);
    }
    assert.equal((await logs("?raw=false")).text.trimEnd(), shown);
  });

  it("sends its headers at once and each new line when it comes, until the client leaves", async () => {
    skiff.platform.print("hello", "before");
    const { response, text } = await follow("follow=true&tail=1");
    await eventually("the line that was there", () => text().includes("before"));
    skiff.platform.print("hello", "after");
    await eventually("the new line", () => text().includes("after"));
    response.destroy();
  });

  it("sends the headers of a function that prints nothing", async () => {
    const { response, text } = await follow("follow");
    assert.equal(response.statusCode, 200);
    assert.equal(text(), "");
    response.destroy();
  });

  it("stops reading when the client has left", async () => {
    let ended = false;
    const read = skiff.platform.logs.bind(skiff.platform);
    skiff.platform.logs = async function* (name, options) {
      try {
        yield* read(name, options);
      } finally {
        ended = true;
      }
    };
    const { response } = await follow("follow=true");
    assert.equal(ended, false);
    response.destroy();
    await eventually("the end of reading", () => ended);
  });

  it("ends what is being followed when Skiff shuts down", async () => {
    const { response } = await follow("follow=true");
    const ended = once(response, "end");
    await skiff.manager.close();
    await ended;
  });

  it("answers a problem when the logs cannot be read", async () => {
    skiff.platform.logs = failing(0);
    const answer = await logs().expect(500);
    assert.equal(answer.body.code, "internal_error");
    assert.match(skiff.lines.at(-1)!, /^internal error in call .*: Error: the disk is gone/);
  });

  it("breaks the connection when the logs end in a failure, so that they do not look whole", async () => {
    skiff.platform.logs = failing(1);
    for (const query of ["", "?follow=true"]) {
      await assert.rejects(async () => await logs(query), /aborted|socket hang up|ECONNRESET/);
      assert.equal(skiff.lines.at(-1), "an answer was interrupted: the disk is gone");
    }
  });

  it("answers HEAD without reading", async () => {
    skiff.platform.logs = () => assert.fail("the logs were read");
    const answer = await request(skiff.url).head("/func/hello/logs?follow=true").expect(200);
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  });

  for (const query of ["since=15m", "until=15m", "call=abc", "status=5xx"]) {
    it(`answers ${query} with store_unavailable, because it needs lines from before`, async () => {
      const answer = await logs(`?${query}`).expect(503);
      assert.equal(answer.body.code, "store_unavailable");
      assert.match(answer.body.detail, /Skiff runs without a store/);
    });
  }

  it("filters by level, version and text", async () => {
    skiff.platform.print("hello", "one");
    skiff.platform.print("hello", "TWO");
    assert.match((await logs("?search=two")).text, /TWO\n$/);
    assert.equal((await logs("?search=two")).text.split("\n").length, 2);
    assert.equal((await logs("?level=error")).text, "");
    assert.equal((await logs("?version=2")).text, "");
  });

  it("answers 404 for a function that is not there", async () => {
    await request(skiff.url)
      .get("/func/other/logs")
      .expect(404, /unknown_function/);
  });

  for (const query of ["tail=-1", "tail=x", "tail=10001", "follow=maybe", "raw=maybe", "sinc=1h"]) {
    it(`refuses ${query}`, async () => {
      assert.equal((await logs(`?${query}`).expect(400)).body.code, "invalid_request");
    });
  }
});

/** Logs that break off after so many lines. */
function failing(lines: number): FakePlatform["logs"] {
  return async function* () {
    for (let line = 0; line < lines; line++) {
      yield { at: new Date(), instance: "fake", stream: "stdout", text: "a line" };
    }
    throw new Error("the disk is gone");
  };
}
