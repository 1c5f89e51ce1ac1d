import { strict as assert } from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Koa from "koa";
import request from "supertest";
import { answerProblems } from "../../../manager/api/answer.ts";
import { Problem } from "../../../platform/problems.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("manager: every answer", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  for (const [path, status] of [
    ["/", 200],
    ["/func", 200],
    ["/healthz", 200],
    ["/func/none", 404],
    ["/nowhere", 404],
    ["/func?limit=x", 400],
  ] as const) {
    it(`has a call id and the fixed headers: ${path}`, async () => {
      const { headers } = await request(skiff.url).get(path).expect(status);
      assert.match(headers["x-skiff-call-id"]!, UUID);
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(headers["x-content-type-options"], "nosniff");
      const shares = Object.keys(headers).filter((name) => name.startsWith("access-control-"));
      assert.deepEqual(shares, []);
    });
  }

  it("has a call id of its own", async () => {
    const id = async () => (await request(skiff.url).get("/healthz")).headers["x-skiff-call-id"];
    assert.notEqual(await id(), await id());
  });

  it("is a problem document when something is wrong", async () => {
    const answer = await request(skiff.url).get("/func/none").expect(404);
    assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
    assert.equal(answer.headers["x-skiff-error"], "platform");
    assert.equal(answer.body.type, "https://skiff.dev/problems/unknown_function");
    assert.equal(answer.body.title, "No function has this name");
    assert.equal(answer.body.status, 404);
    assert.equal(answer.body.callId, answer.headers["x-skiff-call-id"]);
  });

  it("keeps the stack of an unexpected failure to the terminal, with the call id", async () => {
    const answer = await request(skiff.url).post("/func?name=hello").send("CRASH").expect(500);
    assert.equal(answer.body.code, "internal_error");
    assert.ok(!answer.text.includes("secret inner state"));
    const printed = skiff.lines.find((line) => line.startsWith("internal error"))!;
    assert.ok(printed.includes(answer.body.callId));
    assert.match(printed, /TypeError: secret inner state\n {4}at /);
    assert.ok(!skiff.lines.some((line) => line.startsWith("not deployed") && line.includes("secret")));
  });

  it("answers HEAD like GET without a body", async () => {
    for (const path of ["/", "/func", "/func/none", "/openapi.json"]) {
      const get = await request(skiff.url).get(path);
      const head = await request(skiff.url).head(path).expect(get.status);
      assert.equal(head.headers["content-length"], get.headers["content-length"], path);
      assert.equal(head.headers["content-type"], get.headers["content-type"], path);
      assert.equal(head.text ?? "", "");
    }
  });

  it("answers OPTIONS with the methods of the path and nothing for other origins", async () => {
    const answer = await request(skiff.url).options("/func/hello").expect(204);
    assert.equal(answer.headers.allow, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT");
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  });

  for (const [method, path, allow] of [
    ["delete", "/func", "GET, HEAD, OPTIONS, POST"],
    ["post", "/func/hello", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"],
    ["put", "/func/hello/source", "GET, HEAD, OPTIONS"],
    ["post", "/healthz", "GET, HEAD, OPTIONS"],
    ["trace", "/", "GET, HEAD, OPTIONS"],
  ] as const) {
    it(`answers 405 with Allow to ${method} ${path}`, async () => {
      const answer = await request(skiff.url)[method](path).expect(405);
      assert.equal(answer.body.code, "method_not_allowed");
      assert.equal(answer.headers.allow, allow);
    });
  }

  for (const [path, nearest] of [
    ["/function", /GET\|POST \/func,/],
    ["/func/", /GET\|POST \/func,/],
    ["/FUNC", /GET \//],
    ["/func/a/b/c", /\/func\/NAME/],
    ["/health", /GET \/healthz/],
    ["/openapi.yaml", /GET \/openapi\.json/],
    ["//func", /GET \//],
    ["/func/a/sources", /GET\|PUT\|PATCH\|DELETE \/func\/NAME/],
  ] as const) {
    it(`answers 404 to ${path} and names what is near`, async () => {
      const answer = await request(skiff.url).get(path).expect(404);
      assert.equal(answer.body.code, "unknown_route");
      assert.match(answer.body.detail, nearest);
    });
  }

  it("refuses the form of a request that a proxy is asked in", async () => {
    const target = "GET http://evil.example/func HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    const answer = await skiff.raw(target);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /"code":"invalid_request"/);
  });

  it("refuses nothing but what it names, whatever the path is made of", async () => {
    const targets = [
      "/%",
      "/func/%",
      "/func/%00",
      "/func?%",
      "/func?name=%zz",
      "/func#x",
      "/?/func",
      "/..",
      "/.%2e/func",
    ];
    for (const target of [...targets, "/\\evil.example", "///", "/func;a=b", `/func/${"a".repeat(5_000)}`]) {
      const answer = await skiff.raw(
        `GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 (200|400|404) /, target);
    }
    assert.deepEqual(skiff.lines, []);
  });

  it("closes the connection on which a body did not arrive", async () => {
    const app = new Koa();
    app.use(answerProblems(() => {}));
    app.use(() => {
      throw new Problem("request_timeout", "Send it again.");
    });
    const server = createServer(app.callback()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
    assert.equal(answer.status, 408);
    assert.equal(answer.headers.get("connection"), "close");
  });

  it("lives on after bytes that are no HTTP", async () => {
    assert.match(await skiff.raw("GARBAGE\r\n\r\n"), /^HTTP\/1\.1 400 /);
    const both =
      "POST /func?name=a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n";
    assert.match(await skiff.raw(both), /^HTTP\/1\.1 400 /);
    await request(skiff.url).get("/healthz").expect(200);
  });
});
