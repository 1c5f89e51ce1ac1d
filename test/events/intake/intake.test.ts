import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { ClientLeft } from "../../../http/client-signal.ts";
import { isTraceparent } from "../../../http/traceparent.ts";
import { Problem } from "../../../platform/problems.ts";
import { INLINE_BYTES } from "../../../store/bodies.ts";
import { eventually } from "../../support/eventually.ts";
import { issuedKey } from "../../support/issued-key.ts";
import { NOW, type StartedIntake, startIntake } from "./started-intake.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describe("an asynchronous request", () => {
  let intake: StartedIntake;
  before(async () => {
    intake = await startIntake({ SKIFF_CALLBACK_SECRET: "secret" });
  });
  after(() => intake.stop());
  beforeEach(() => {
    intake.calls.length = 0;
    intake.bodies.clear();
    intake.broken.length = 0;
  });

  const headersOf = () => {
    const { headers } = intake.calls[0]!.request;
    const pairs = headers.filter((_, i) => i % 2 === 0).map((name, i) => [name, headers[2 * i + 1]] as const);
    return Object.fromEntries(pairs) as Record<string, string>;
  };
  const problemOf = async (response: Response) => (await response.json()) as Record<string, unknown>;

  it("is acknowledged with the place of its record", async () => {
    const response = await intake.send("/async/fn/hello/a/b?x=1", { method: "PUT", body: "text" });
    assert.equal(response.status, 202);
    const [call] = intake.calls;
    assert.match(call!.id, /^[0-9a-f]{32}$/);
    assert.equal(response.headers.get("location"), `/call/${call!.id}`);
    assert.equal(response.headers.get("x-skiff-call-id"), call!.id);
    assert.equal(response.headers.get("idempotency-replayed"), null);
    assert.deepEqual(await response.json(), { id: call!.id, url: `/call/${call!.id}`, state: "waiting" });
    const { method, path, body } = call!.request;
    assert.deepEqual([method, path], ["PUT", "/a/b?x=1"]);
    assert.equal(Buffer.from((body as { inline: Uint8Array }).inline).toString(), "text");
    assert.deepEqual(call!.target, { function: "hello", version: undefined });
    assert.deepEqual(
      [call!.queue, call!.origin, call!.by, call!.acceptedAt, call!.dueAt, call!.priority, call!.orderKey],
      ["fn/hello", { kind: "api" }, "anybody", NOW, NOW, 0, ""],
    );
    assert.equal(call!.keepsRecord, true);
    assert.deepEqual(call!.policy.attempts, 5);
  });

  it("may have any method but TRACE, and no body", async () => {
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const response = await intake.send("/async/fn/hello", { method });
      assert.equal(response.status, 202, method);
      assert.equal(intake.calls.at(-1)!.request.method, method);
      assert.equal(intake.calls.at(-1)!.request.path, "/");
      assert.deepEqual(intake.calls.at(-1)!.request.body, { inline: new Uint8Array() });
    }
  });

  it("keeps what the function needs of its fields, and nothing of the connection", async () => {
    await intake.send("/async/fn/hello", {
      method: "POST",
      headers: {
        accept: "text/plain",
        authorization: "Bearer of-the-function",
        "content-type": "application/json",
        "skiff-call": "made up",
        traceparent: PARENT,
        tracestate: "a=1",
        "x-forwarded-for": "192.0.2.9",
        "x-forwarded-proto": "https",
        "x-skiff-call-id": "made up",
      },
      body: "{}",
    });
    const fields = headersOf();
    for (const gone of [
      "connection",
      "content-length",
      "skiff-call",
      "x-skiff-call-id",
      "x-forwarded-proto",
    ]) {
      assert.equal(fields[gone], undefined, gone);
    }
    assert.deepEqual(
      [fields.accept, fields.authorization, fields["content-type"], fields.host, fields["x-forwarded-for"]],
      [
        "text/plain",
        "Bearer of-the-function",
        "application/json",
        new URL(intake.url).host,
        "192.0.2.9, 127.0.0.1",
      ],
    );
    const [call] = intake.calls;
    assert.deepEqual([fields.traceparent, call!.traceparent, call!.tracestate], [undefined, PARENT, "a=1"]);
  });

  it("begins a trace if its client did not, and says which", async () => {
    const response = await intake.send("/async/fn/hello", {
      headers: { traceparent: "wrong", tracestate: "a=1" },
    });
    const [call] = intake.calls;
    assert.equal(response.headers.get("traceparent"), call!.traceparent);
    assert.ok(isTraceparent(call!.traceparent!) && call!.traceparent !== "wrong");
    assert.equal(call!.tracestate, undefined);
  });

  it("goes to a version that exists", async () => {
    assert.equal((await intake.send("/async/fn/hello@1/x")).status, 202);
    assert.deepEqual(intake.calls[0]!.target, { function: "hello", version: 1 });
    for (const path of ["/async/fn/hello@3", "/async/fn/hello@x"]) {
      const problem = await problemOf(await intake.send(path));
      assert.equal(problem.code, "unknown_version");
    }
  });

  it("to an unknown function is refused at once, before its body", async () => {
    const response = await intake.send("/async/fn/none", { method: "POST", body: "x".repeat(100_000) });
    assert.equal(response.status, 404);
    const problem = await problemOf(response);
    assert.deepEqual(
      [problem.code, problem.callId],
      ["unknown_function", response.headers.get("x-skiff-call-id")],
    );
    assert.equal(response.headers.get("x-skiff-error"), "platform");
    assert.equal(intake.bodies.size, 0);
  });

  it("elsewhere than at a function is refused", async () => {
    for (const path of ["/async", "/async/", "/async/fn", "/async/fn/", "/async/topic/x"]) {
      assert.equal((await problemOf(await intake.send(path))).code, "unknown_route", path);
    }
  });

  it("has its options in the query, which the function does not get", async () => {
    const query =
      "delay=90s&a=1&priority=-3&key=order%2017&attempts=2&backoff=50ms&max-age=1h&retry-on=429,connection&b=";
    await intake.send(`/async/fn/hello/x?${query}`);
    const [call] = intake.calls;
    assert.equal(call!.request.path, "/x?a=1&b=");
    assert.deepEqual([call!.dueAt, call!.priority, call!.orderKey], [NOW + 90_000, -3, "order 17"]);
    assert.deepEqual(call!.policy, {
      attempts: 2,
      backoffMs: 50,
      // It counts from the time of the call.
      maxAgeMs: 3_600_000 + 90_000,
      on: ["429", "connection"],
    });
  });

  it("with options in headers leaves the query to the function", async () => {
    await intake.send("/async/fn/hello?key=mine&delay=yours", {
      headers: { "skiff-at": "2026-11-29T13:00:00Z", "skiff-callback": "https://example.com/done" },
    });
    const [call] = intake.calls;
    assert.equal(call!.request.path, "/?key=mine&delay=yours");
    assert.deepEqual(
      [call!.dueAt, call!.orderKey, call!.callback],
      [NOW + 3_600_000, "", "https://example.com/done"],
    );
    assert.equal(headersOf()["skiff-at"], undefined);
  });

  it("with a header that looks like an option and is none is refused with a hint", async () => {
    const response = await intake.send("/async/fn/hello", { headers: { "skiff-dealy": "1h" } });
    const problem = await problemOf(response);
    assert.deepEqual(
      [response.status, problem.code, problem.setting],
      [400, "invalid_setting", "skiff-dealy"],
    );
    assert.match(String(problem.detail), /skiff-dealy is no option\. Did you mean "skiff-delay"\?/);
    assert.equal(intake.calls.length, 0);
  });

  it("takes the policy of the function where it sets none", async () => {
    const { authorization } = issuedKey(intake.keys);
    await intake.send("/async/fn/locked?backoff=2s", { headers: { authorization } });
    const { attempts, backoffMs } = intake.calls[0]!.policy;
    assert.deepEqual([attempts, backoffMs], [9, 2_000]);
  });

  for (const [query, expected] of [
    ["delay=soon", /delay is "soon": use a duration/],
    ["delay=31d", /at most 30 days/],
    ["at=tomorrow", /at is "tomorrow": use a time/],
    ["at=2026-11-30T08:00:00+01:00", /08:00:00 01:00": use a time .+\. In a query write the \+ .+ as %2B\.$/],
    [
      "at=2026-11-30T08:00:00",
      /use a time .+\. The zone is missing: add Z, or an offset such as %2B01:00\.$/,
    ],
    ["at=2030-01-01", /within 30 days/],
    ["at=2026-11-30&delay=1s", /contradict/],
    ["priority=10", /priority is "10": use a whole number from -9 to 9/],
    ["key=", /key has 0 characters/],
    ["key=schedule%20nightly", /key begins with "schedule ", as the keys of schedules do/],
    ["key=a&key=b", /key occurs twice/],
    ["key=%ff", /percent-encoded/],
    ["attempts=0", /The option attempts is "0": use a whole number from 1 to 100\./],
    ["attempts=x", /The option attempts is "x": use a whole number/],
    ["retry-on=200", /The option retry-on is "200": use a status from 400 to 599/],
    ["max-age=8d", /The option max-age is "8d": use a duration from 1 s/],
    ["callback=ftp://example.com", /callback is "ftp:/],
    ["callback=http://ann:pw@example.com/", /^The option callback has a user or a password, which/],
    ["callback=http://example.com/%23top", /^The option callback has a fragment, which/],
  ] as const) {
    it(`with ${query} is refused in words`, async () => {
      const response = await intake.send(`/async/fn/hello?${query}`);
      const problem = await problemOf(response);
      assert.deepEqual([response.status, problem.code], [400, "invalid_setting"]);
      assert.equal(
        problem.setting,
        query.split("=")[0] === "at" && query.includes("&") ? "delay" : query.split("=")[0],
      );
      assert.match(String(problem.detail), expected);
      assert.equal(intake.calls.length, 0);
    });
  }

  it("may say that nothing is tried again", async () => {
    assert.equal((await intake.send("/async/fn/hello?retry-on=none")).status, 202);
    assert.deepEqual(intake.calls[0]!.policy.on, []);
  });

  it("names the path of the call that has no such function or version", async () => {
    const advice = async (path: string) => String((await problemOf(await intake.send(path))).detail);
    assert.match(await advice("/async/fn/hello@9"), /: call \/async\/fn\/hello@N with/);
    assert.match(await advice("/async/fn/Bad_Name"), /^There is no function "Bad_Name": use a name of a-z/);
  });

  it("with a time that is past is due at once", async () => {
    await intake.send("/async/fn/hello?at=2020-01-01");
    assert.equal(intake.calls[0]!.dueAt, NOW);
  });

  it("stores a long body beside the row, also one of unknown length", async () => {
    const long = Buffer.alloc(INLINE_BYTES + 1, "x");
    await intake.send("/async/fn/hello", { method: "POST", body: long });
    assert.deepEqual(intake.calls[0]!.request.body, { id: "0", bytes: long.length });
    assert.ok(intake.bodies.get("0")!.equals(long));
    const body = new Blob([long, long]).stream();
    await intake.send("/async/fn/hello", { method: "POST", body, duplex: "half" } as RequestInit);
    assert.ok(intake.bodies.get("1")!.equals(Buffer.concat([long, long])));
    const fits = Buffer.alloc(INLINE_BYTES, "y");
    await intake.send("/async/fn/hello", { method: "POST", body: fits });
    assert.ok(fits.equals(Buffer.from((intake.calls[2]!.request.body as { inline: Uint8Array }).inline)));
  });

  it("with a body over the limit is refused, and nothing is stored", async () => {
    const body = Buffer.alloc(1024 ** 2 + 1);
    const declared = await intake.send("/async/fn/hello", { method: "POST", body });
    const chunked = await intake.send("/async/fn/hello", {
      ...{ method: "POST", body: new Blob([body]).stream(), duplex: "half" },
    } as RequestInit);
    for (const response of [declared, chunked]) {
      assert.equal(response.status, 413);
      assert.match(String((await problemOf(response)).detail), /SKIFF_MAX_BODY/);
    }
    assert.deepEqual([intake.calls.length, intake.bodies.size], [0, 0]);
  });

  it("whose client leaves during its body is not stored", async () => {
    const request = httpRequest(`${intake.url}/async/fn/hello`, {
      method: "POST",
      headers: { "content-length": 200_000 },
    });
    request.on("error", () => {});
    request.write(Buffer.alloc(100_000));
    await new Promise((resolve) => request.once("socket", (socket) => socket.once("drain", resolve)));
    request.destroy();
    await eventually("the body is broken off", () => intake.broken.length > 0);
    assert.ok(intake.broken[0] instanceof ClientLeft);
    assert.deepEqual([intake.calls.length, intake.bodies.size, intake.printed], [0, 0, []]);
  });

  it("with an Idempotency-Key says what must be equal", async () => {
    const send = (path: string, body: string, more = {}) =>
      intake.send(path, { method: "POST", body, headers: { "idempotency-key": "k1", ...more } });
    await send("/async/fn/hello/x?delay=1s", "a");
    await send("/async/fn/hello/x?delay=1s", "a", { accept: "text/plain" });
    await send("/async/fn/hello/x?delay=1s", "b");
    await send("/async/fn/hello/y?delay=1s", "a");
    await send("/async/fn/hello/x?delay=2s", "a");
    await send("/async/fn/hello@1/x?delay=1s", "a");
    await send("/async/fn/hello/x?delay=1s", "a", { "content-type": "application/json" });
    const keys = intake.calls.map(({ idempotency }) => idempotency!);
    for (const { scope, key } of keys) assert.deepEqual([scope, key], ["fn/hello", "k1"]);
    assert.equal(keys[1]!.fingerprint, keys[0]!.fingerprint);
    assert.equal(new Set(keys.map(({ fingerprint }) => fingerprint)).size, keys.length - 1);
    assert.equal(headersOf()["idempotency-key"], "k1");
  });

  it("that was made before gets the same answer, and says so", async () => {
    intake.outcome = { id: "f".repeat(32), isNew: false };
    const response = await intake.send("/async/fn/hello", { headers: { "idempotency-key": "k1" } });
    assert.deepEqual([response.status, response.headers.get("idempotency-replayed")], [202, "true"]);
    const id = "f".repeat(32);
    assert.deepEqual(await response.json(), { id, url: `/call/${id}` }, "its state may be another one");
  });

  it("with the key of another request is refused", async () => {
    intake.outcome = { refused: "reused" };
    const response = await intake.send("/async/fn/hello", { headers: { "idempotency-key": "k1" } });
    assert.deepEqual([response.status, (await problemOf(response)).code], [422, "idempotency_key_reused"]);
    const long = await intake.send("/async/fn/hello", { headers: { "idempotency-key": "k".repeat(256) } });
    assert.match(String((await problemOf(long)).detail), /256 characters: use 1 to 255/);
  });

  it("is refused with two keys", async () => {
    const headers = { "idempotency-key": ["a", "b"] };
    const sent = httpRequest(`${intake.url}/async/fn/hello`, { headers }).end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    assert.equal(response.resume().statusCode, 400);
    assert.equal(intake.calls.length, 0);
  });

  it("over a full queue is refused for a while", async () => {
    intake.outcome = { refused: "full" };
    const response = await intake.send("/async/fn/hello");
    const problem = await problemOf(response);
    assert.deepEqual([response.status, problem.code], [429, "too_many_waiting"]);
    assert.ok(Number(response.headers.get("retry-after")) >= 1);
    assert.match(String(problem.detail), /100000 asynchronous calls of "hello" wait \(SKIFF_MAX_QUEUED\)/);
  });

  it("with a long body that is refused or repeated leaves nothing behind", async () => {
    const send = (headers = {}) =>
      intake.send("/async/fn/hello", { method: "POST", body: Buffer.alloc(INLINE_BYTES + 1), headers });
    for (const [outcome, status] of [
      [{ refused: "full" }, 429],
      [{ refused: "reused" }, 422],
      [{ id: "f".repeat(32), isNew: false }, 202],
    ] as const) {
      intake.outcome = outcome;
      assert.equal((await send({ "idempotency-key": "k1" })).status, status);
      assert.equal(intake.bodies.size, 0, `${status}`);
    }
  });

  it("over a full queue is refused before its long body", async () => {
    intake.live = 100_000;
    const request = httpRequest(`${intake.url}/async/fn/hello`, {
      method: "POST",
      headers: { "content-length": 200_000 },
    });
    request.on("error", () => {});
    request.flushHeaders();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 429);
    request.destroy();
    assert.equal((await intake.send("/async/fn/hello", { method: "POST", body: "short" })).status, 202);
  });

  it("that cannot be stored is not acknowledged", async () => {
    intake.outcome = new Problem("store_unavailable", "It is away.", { retryAfterS: 1 });
    assert.equal((await intake.send("/async/fn/hello")).status, 503);
    assert.deepEqual(intake.printed, []);
    (intake as { outcome: unknown }).outcome = new Error("unexpected");
    const response = await intake.send("/async/fn/hello");
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /unexpected/);
    assert.match(intake.printed.splice(0).join(), /internal error in call .*unexpected/s);
  });

  it("needs a valid host", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${intake.url}/async/fn/hello`, { headers: { host: "x/fn/y?" } });
      request
        .on("response", (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    assert.equal(status, 400);
  });
});

describe("an asynchronous request whose body is late", () => {
  it("is refused, and its connection closes", async () => {
    const intake = await startIntake({ SKIFF_UPLOAD_TIMEOUT: "100ms" });
    try {
      for (const headers of [{ "content-length": "10" }, { "transfer-encoding": "chunked" }]) {
        const request = httpRequest(`${intake.url}/async/fn/hello`, { method: "POST", headers });
        request.on("error", () => {});
        request.write("begin");
        const [response] = (await once(request, "response")) as [IncomingMessage];
        assert.deepEqual([response.statusCode, response.headers.connection], [408, "close"]);
        assert.match(await text(response), /SKIFF_UPLOAD_TIMEOUT/);
        request.destroy();
      }
      assert.equal(intake.calls.length, 0);
    } finally {
      await intake.stop();
    }
  });
});

describe("an asynchronous request without a secret for callbacks", () => {
  it("cannot ask for one", async () => {
    const intake = await startIntake();
    try {
      const response = await intake.send("/async/fn/hello?callback=https://example.com");
      const problem = (await response.json()) as Record<string, unknown>;
      assert.deepEqual([response.status, problem.setting], [400, "SKIFF_CALLBACK_SECRET"]);
    } finally {
      await intake.stop();
    }
  });
});
