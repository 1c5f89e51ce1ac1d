import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import { openApi } from "../../../../manager/openapi/openapi.ts";
import { hashOf } from "../../../../platform/keys/key-text.ts";
import type { Answer, NewCall } from "../../../../store/call.ts";
import { SqliteStore } from "../../../../store/sqlite/sqlite-store.ts";
import type { KeptLine } from "../../../../store/store.ts";
import { newCall } from "../../../store/conformance/calls/new-call.ts";
import { schemaFaults } from "../../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../../started-manager.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");
const OWNER = "w1";
const NOW = Date.now();
const HTML: Answer = {
  status: 201,
  headers: ["Content-Type", "text/html", "Set-Cookie", "a=b", "X-A", "1"],
  body: { inline: Buffer.from("<p>hi</p>") },
  isCut: false,
};

describe("manager: calls", () => {
  let folder: string;
  let store: SqliteStore;
  let skiff: StartedManager;
  const lines: KeptLine[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-calls-"));
    store = new SqliteStore({ file: join(folder, "history.db"), print: () => {} });
    const logs = {
      async *read(name: string, { call }: { call: string }) {
        yield* lines.filter(({ callId, text }) => callId === call && text.startsWith(name));
      },
    };
    const { usage, audit, calls, bodies } = store;
    skiff = await startManager({
      access: { mode: "token", tokenHash, whereabouts: "" },
      store: { usage, audit, logs, calls, bodies } as unknown as ManagerStore,
    });
    await store.calls.beat(OWNER, NOW);
  });
  afterEach(async () => {
    lines.length = 0;
    await skiff.stop();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const by = (text: string) => request.agent(skiff.url).set({ authorization: `Bearer ${text}` });
  const app = () => by(TOKEN);
  const keyWith = async (body: object): Promise<{ id: string; key: string }> =>
    (
      await app()
        .post("/key")
        .send({ name: "k", ...body })
        .expect(201)
    ).body;
  const document: Any = openApi(LIMITS, { mode: "loopback" });
  const assertSchema = (name: string, body: unknown) =>
    assert.deepEqual(
      schemaFaults(document.components.schemas[name], body, document),
      [],
      JSON.stringify(body),
    );

  /** Stores a call of the function `f`. */
  async function enqueue(given: Partial<NewCall> = {}): Promise<string> {
    const call = newCall({
      ...{ queue: "fn/f", target: { function: "f" }, acceptedAt: NOW, dueAt: NOW },
      ...given,
    });
    const [outcome] = await store.calls.enqueue([call], { now: NOW, mostLive: 1_000 });
    assert.ok("id" in outcome!);
    return outcome.id;
  }

  type End = { readonly state: "done" | "dead"; readonly answer?: Answer; readonly reason?: string };

  /** Runs every call that is due, with this end. */
  async function run(end?: End): Promise<void> {
    const request = { owner: OWNER, now: NOW, limit: 100, perQueue: 100, running: {}, except: [] };
    const leased = await store.calls.lease(request);
    if (end === undefined) return;
    const settlements = leased.calls.map(({ id, epoch, attempt }) => ({
      ...{ id, owner: OWNER, epoch },
      attempt: {
        number: attempt,
        startedAt: NOW,
        endedAt: NOW + 5,
        callId: `c-${id.slice(-4)}`,
        status: 201,
      },
      outcome:
        end.state === "dead" ? { reason: "boom", ...end, state: end.state } : { ...end, state: end.state },
    }));
    await store.calls.settle(settlements, NOW + 5);
  }

  it("are shown with request, attempts and answer, but without credentials", async () => {
    const id = await enqueue({
      request: {
        ...{ method: "PUT", path: "/a?b=1" },
        headers: [
          "Authorization",
          "Bearer secret",
          "X-Api-Key",
          "secret",
          "Idempotency-Key",
          "i",
          "Accept",
          "a",
          "accept",
          "b",
        ],
        body: { inline: Buffer.from("hello") },
      },
      callback: "https://ann:pw@example.com/hook?token=secret",
    });
    const waiting = (await app().get(`/call/${id}`).expect(200)).body;
    assert.deepEqual([waiting.id, waiting.state, waiting.function], [id, "waiting", "f"]);
    assert.deepEqual([waiting.method, waiting.path, waiting.bytes], ["PUT", "/a?b=1", 5]);
    const hidden = "(hidden)";
    assert.deepEqual(waiting.headers, {
      ...{ authorization: hidden, "x-api-key": hidden },
      ...{ "idempotency-key": "i", accept: "a, b" },
    });
    assert.equal(waiting.callback, "https://example.com/hook?(hidden)");
    await run({ state: "done", answer: HTML });
    const done = (await app().get(`/call/${id}`).expect(200)).body;
    assert.equal(done.state, "done");
    assert.deepEqual(done.answer, {
      ...{ status: 201, bytes: 9, isCut: false },
      headers: { "content-type": "text/html", "set-cookie": hidden, "x-a": "1" },
    });
    const [attempt] = done.attempts;
    assert.deepEqual([attempt.number, attempt.status, attempt.callId], [1, 201, `c-${id.slice(-4)}`]);
    for (const body of [waiting, done]) assertSchema("CallRecord", body);
    assert.ok(!JSON.stringify([waiting, done]).includes("secret"));
  });

  it("that do not exist are unknown", async () => {
    for (const id of ["none", "0".repeat(32), "%00"]) {
      for (const path of [`/call/${id}`, `/call/${id}/result`, `/call/${id}/logs`])
        assert.equal((await app().get(path).expect(404)).body.code, "unknown_call", path);
      assert.equal((await app().delete(`/call/${id}`).expect(404)).body.code, "unknown_call");
      assert.equal((await app().post(`/call/${id}/retry`).expect(404)).body.code, "unknown_call");
    }
  });

  it("give back the answer of the function with its type, in a sandbox", async () => {
    const id = await enqueue();
    const early = await app().get(`/call/${id}/result`).expect(202);
    assert.equal(early.body.state, "waiting");
    await run({ state: "done", answer: HTML });
    const { text, headers } = await app().get(`/call/${id}/result`).expect(200);
    assert.equal(text, "<p>hi</p>");
    assert.match(headers["content-type"]!, /^text\/html/);
    assert.deepEqual(
      [headers["skiff-status"], headers["skiff-state"], headers["skiff-attempts"]],
      ["201", "done", "1"],
    );
    assert.deepEqual([headers["content-security-policy"], headers["set-cookie"]], ["sandbox", undefined]);
    const other = await enqueue();
    await run({ state: "dead", reason: "The connection broke." });
    const { body } = await app().get(`/call/${other}/result`).expect(404);
    assert.equal(body.code, "no_result");
    assert.equal(body.detail, `The call ${other} is dead and has no answer: The connection broke.`);
  });

  it("give back long answers, and say that they are cut", async () => {
    const id = await enqueue();
    const long = Buffer.alloc(200_000, "0123456789");
    const parts = (async function* () {
      yield long;
    })();
    const body = await store.bodies.write(parts, long.length);
    await run({ state: "done", answer: { status: 200, headers: [], body, isCut: true } });
    const answer = await app().get(`/call/${id}/result`).expect(200);
    assert.deepEqual(answer.body, long);
    const { headers } = await app().head(`/call/${id}/result`).expect(200);
    for (const each of [answer.headers, headers]) {
      assert.deepEqual([each["content-length"], each["skiff-cut"]], ["200000", "true"]);
      assert.equal(each["content-type"], "application/octet-stream");
    }
  });

  it("are waited for until they end, or until the time is over", async () => {
    const id = await enqueue();
    assert.equal((await app().get(`/call/${id}?wait=50ms`).expect(200)).body.state, "waiting");
    const waiting = app()
      .get(`/call/${id}/result?wait=30s`)
      .then((answer) => answer);
    while (skiff.arrived() < 2) await new Promise(setImmediate);
    await run({ state: "done", answer: HTML });
    assert.equal((await waiting).text, "<p>hi</p>");
    for (const wait of ["61s", "", "x"]) await app().get(`/call/${id}?wait=${wait}`).expect(400);
  });

  it("end a wait when the manager closes", async () => {
    const id = await enqueue();
    const waiting = app()
      .get(`/call/${id}?wait=30s`)
      .then((answer) => answer);
    while (skiff.arrived() < 1) await new Promise(setImmediate);
    await skiff.manager.close({ drainMs: 0 });
    const { status, body } = await waiting;
    assert.ok(status === 503 ? body.code === "draining" : body.state === "waiting", JSON.stringify(body));
  });

  it("are listed page by page, newest first, by function, state, origin and time", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await enqueue());
    const g = await enqueue({ queue: "fn/g", target: { function: "g" }, acceptedAt: NOW - 3_600_000 });
    const fired = await enqueue({ origin: { kind: "schedule", name: "report", at: NOW } });
    const delivery = { kind: "subscription", topic: "orders", group: "s", position: 1, event: "e" } as const;
    const delivered = await enqueue({ queue: "sub/s", origin: { ...delivery, name: "s" } });
    const otherwise = await enqueue({ queue: "sub/t", origin: { ...delivery, name: "t" } });
    for (const name of ["s", "t"])
      await skiff.platform.declarations.put("Subscription", name, {
        spec: { topic: "orders", function: "f" },
      });
    const list = async (query: string): Promise<string[]> => {
      const found: string[] = [];
      for (let cursor = ""; ; ) {
        const { body } = await app().get(`/call?limit=2&${query}${cursor}`).expect(200);
        assertSchema("CallRecordPage", body);
        found.push(...body.calls.map(({ id }: { id: string }) => id));
        if (body.next === null) return found;
        cursor = `&cursor=${body.next}`;
      }
    };
    const newestFirst = (some: string[]) => some.toSorted().reverse();
    const ofF = [...ids, fired, delivered, otherwise];
    assert.deepEqual(await list(""), newestFirst([...ofF, g]));
    assert.deepEqual(await list("function=f"), newestFirst(ofF));
    assert.deepEqual(await list("schedule=report"), [fired]);
    assert.deepEqual(await list("subscription=s"), [delivered]);
    assert.deepEqual(await list("topic=orders"), newestFirst([delivered, otherwise]));
    assert.deepEqual(await list("until=30m"), [g]);
    assert.deepEqual(await list("since=30m&function=g"), []);
    assert.deepEqual(await list("state=done,dead"), []);
    await run({ state: "dead" });
    assert.deepEqual(await list("state=dead&function=g"), [g]);
    for (const query of ["state=lost", "cursor=x", "topic=a&schedule=b", "since=x", "limit=0", "x=1"])
      await app().get(`/call?${query}`).expect(400);
  });

  it("that are dead are tried again, and only those", async () => {
    const id = await enqueue();
    const early = (await app().post(`/call/${id}/retry`).expect(409)).body;
    assert.deepEqual([early.code, /is waiting, and only dead/.test(early.detail)], ["call_not_dead", true]);
    await run({ state: "dead" });
    const { headers, body } = await app().post(`/call/${id}/retry`).expect(202);
    assert.deepEqual([headers.location, body], [`/call/${id}`, { id, state: "waiting" }]);
    await run({ state: "done" });
    const { state, attempts } = (await app().get(`/call/${id}`)).body;
    assert.deepEqual([state, attempts.map(({ number }: { number: number }) => number)], ["done", [1, 2]]);
    assert.equal((await app().post(`/call/${id}/retry`).expect(409)).body.code, "call_not_dead");
  });

  it("are tried again and removed by filter", async () => {
    for (let i = 0; i < 3; i++) await enqueue();
    for (let i = 0; i < 2; i++) await enqueue({ queue: "fn/g", target: { function: "g" } });
    await run({ state: "dead" });
    for (const query of ["", "?state=done", "?limit=1"]) await app().post(`/call/retry${query}`).expect(400);
    const retried = await app().post("/call/retry?function=g").expect(200);
    assert.deepEqual(retried.body, { retried: 2, more: false });
    for (const query of ["", "?function=f", "?state=running"])
      await app().delete(`/call${query}`).expect(400);
    const cancelled = await app().delete("/call?state=waiting&function=g").expect(200);
    assert.deepEqual(cancelled.body, { cancelled: 2, removed: 0, more: false });
    const removed = await app().delete("/call?state=dead,cancelled").expect(200);
    assert.deepEqual(removed.body, { cancelled: 0, removed: 5, more: false });
    assert.deepEqual((await app().get("/call")).body, { calls: [], next: null });
  });

  it("say what becomes of their callback until it is done", async () => {
    const id = await enqueue({ callback: "https://hooks.example/in?token=1" });
    await run({ state: "done" });
    const read = async () => (await app().get(`/call/${id}`).expect(200)).body;
    assert.equal((await read()).callbackCall, undefined);
    const sending = await enqueue({
      ...{ queue: "callback/hooks.example", target: { url: "https://hooks.example/in?token=1" } },
      ...{ origin: { kind: "callback", call: id }, keepsRecord: false },
    });
    const body = await read();
    assert.deepEqual(body.callbackCall, { id: sending, state: "waiting" });
    assertSchema("CallRecord", body);
    await run({ state: "done" });
    assert.equal((await read()).callbackCall, undefined);
  });

  it("are all cancelled, also when others began to run while a batch was cancelled", async () => {
    await enqueue();
    const { calls } = store;
    const cancelAll = calls.cancelAll.bind(calls);
    let batches = 0;
    // Nothing of the first batch waits any more.
    calls.cancelAll = async (...given) =>
      ++batches === 1 ? { count: 0, isMore: true } : await cancelAll(...given);
    const { body } = await app().delete("/call?state=waiting").expect(200);
    assert.deepEqual(body, { cancelled: 1, removed: 0, more: false });
  });

  it("are cancelled while they wait, removed when they have ended, and refused while they run", async () => {
    const [first, second] = [await enqueue(), await enqueue()];
    await app().delete(`/call/${first}`).expect(200, { success: true, cancelled: true });
    assert.equal((await app().get(`/call/${first}`)).body.state, "cancelled");
    await app().delete(`/call/${first}`).expect(200, { success: true, cancelled: false });
    await app().get(`/call/${first}`).expect(404);
    await run();
    const { body } = await app().delete(`/call/${second}`).expect(409);
    assert.equal(body.code, "call_running");
    assert.equal((await app().get(`/call/${second}`)).body.state, "running");
  });

  it("are counted in the description of their function", async () => {
    await app().post("/func?name=f").send("one").expect(201);
    await enqueue();
    await run({ state: "dead" });
    await enqueue();
    const { body } = await app().get("/func/f").expect(200);
    assert.deepEqual(body.async, { waiting: 1, running: 0, dead: 1 });
    assertSchema("FunctionDescription", body);
  });

  it("show the lines of all their attempts", async () => {
    const id = await enqueue();
    await run({ state: "dead" });
    const line = { at: new Date(0), version: 1, instance: "i", stream: "stdout", id: "1" } as const;
    const own = { ...line, callId: `c-${id.slice(-4)}`, text: "f says hi" };
    lines.push(own, { ...own, callId: "other" }, { ...own, text: "g says hi" });
    const { text } = await app().get(`/call/${id}/logs`).expect(200);
    assert.match(text, /^1970.* f says hi\n$/);
    const json = await app()
      .get(`/call/${id}/logs`)
      .set("accept", "application/x-ndjson")
      .buffer()
      .expect(200);
    assert.equal(JSON.parse(json.text).text, "f says hi");
  });

  it("are seen and changed by keys for their function, and by the key that made them", async () => {
    const caller = await keyWith({ scopes: ["call"] });
    const reader = await keyWith({ scopes: ["read"], functions: ["g"] });
    const deployer = await keyWith({ scopes: ["deploy"], functions: ["g"] });
    const [own, other] = [await enqueue({ keyId: caller.id }), await enqueue()];
    const g = await enqueue({ queue: "fn/g", target: { function: "g" } });
    const listed = async (key: string) => {
      const { body } = await by(key).get("/call").expect(200);
      return body.calls.map(({ id }: { id: string }) => id);
    };
    assert.deepEqual(await listed(caller.key), [own]);
    assert.deepEqual(await listed(reader.key), [g]);
    assert.deepEqual((await by(reader.key).get("/call?function=f").expect(200)).body.calls, []);
    await by(caller.key).get(`/call/${own}`).expect(200);
    for (const path of [`/call/${other}`, `/call/${other}/result`])
      await by(caller.key).get(path).expect(404);
    await by(reader.key).get(`/call/${other}/logs`).expect(404);
    await by(reader.key).get(`/call/${g}/logs`).expect(200);
    await by(caller.key).get(`/call/${own}/logs`).expect(403);
    await by(reader.key).delete(`/call/${g}`).expect(403);
    await by(caller.key).delete(`/call/${other}`).expect(404);
    await by(deployer.key).delete(`/call/${other}`).expect(404);
    await by(deployer.key)
      .delete("/call?state=waiting")
      .expect(200, { cancelled: 1, removed: 0, more: false });
    await by(caller.key).delete("/call?state=waiting").expect(403);
    await by(caller.key).delete(`/call/${own}`).expect(200);
    assert.equal((await app().get(`/call/${other}`)).body.state, "waiting");
  });
});

describe("manager: calls without a store", () => {
  it("say that it is missing", async () => {
    const skiff = await startManager();
    try {
      const { body } = await request(skiff.url).get("/call").expect(503);
      assert.deepEqual([body.code, body.setting], ["store_unavailable", "SKIFF_STORE"]);
    } finally {
      await skiff.stop();
    }
  });
});
