import assert from "node:assert/strict";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import type { TracedCall } from "../../../../platform/usage/exchange.ts";
import type { LogQuery } from "../../../../store/store.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

const ID = "4667c8ab-31df-4f27-b3ce-bb5ed1485802";
const RUN = "01a22ad81ce671218169e8e2eadbc7dc";
const CALL = "01a22ad7f45071d5aa3d6245de76cac1";
const AT = Date.parse("2026-11-29T14:00:01Z");
const TRACED: TracedCall = {
  ...{ atMs: AT, callId: ID, function: "b", version: 2, instance: "i1", status: 500 },
  ...{
    durationMs: 1_000,
    waitedMs: 300,
    wake: [
      { name: "claim", durationMs: 50 },
      { name: "load", durationMs: 150 },
    ],
  },
};
const RECORD = {
  ...{ id: CALL, state: "done", target: { function: "b" }, by: "local", priority: 0, orderKey: "" },
  ...{ request: { method: "POST", path: "/", headers: [], body: { bytes: 0 } }, origin: { kind: "api" } },
  ...{ policy: {}, acceptedAt: AT, dueAt: AT, endedAt: AT + 70 },
  attempts: [{ number: 1, startedAt: AT + 20, endedAt: AT + 60, callId: ID, status: 200 }],
};

describe("manager: GET /trace/ID", () => {
  let manager: StartedManager;
  let traced: TracedCall | undefined;
  let searched: string[];
  let printed: Record<string, string>;
  before(async () => {
    const store = {
      audit: { append: async () => {} },
      usage: { trace: async (id: string) => (id === ID ? traced : undefined) },
      calls: { head: async (id: string) => (id === CALL ? RECORD : undefined) },
      runs: {
        get: async (id: string) => (id === RUN ? { id, flow: "order" } : undefined),
        entries: async (_: string, after: number) =>
          after > 0 ? [] : [{ kind: "failed", at: AT, step: "pay", item: 3, attempt: 2, callId: ID }],
      },
      logs: {
        async *read(name: string, { call }: LogQuery) {
          searched.push(name);
          const text = call === ID ? printed[name] : undefined;
          if (text !== undefined)
            yield { id: "1", at: new Date(AT), instance: "i1", version: 2, stream: "stdout", text };
        },
      },
    };
    manager = await startManager({ store: store as unknown as ManagerStore });
    for (const name of ["a", "b", "c"]) await request(manager.url).put(`/func/${name}`).send("x").expect(201);
  });
  after(() => manager.stop());
  beforeEach(() => {
    traced = undefined;
    searched = [];
    printed = { b: "hi" };
  });

  const get = (path: string, key?: string) => {
    const sent = request(manager.url).get(`/trace/${path}`);
    return key === undefined ? sent : sent.set("authorization", `Bearer ${key}`);
  };

  it("shows where the time of a call went, and its lines", async () => {
    traced = TRACED;
    const { body } = await get(ID).expect(200);
    const of = { function: "b", version: 2 };
    assert.deepEqual(body, {
      ...{ callId: ID, ...of, instance: "i1", status: 500, durationMs: 1_000 },
      startedAt: "2026-11-29T14:00:00.000Z",
      spans: [
        { name: "wait", ...of, startMs: 0, durationMs: 300 },
        { name: "wake.claim", ...of, startMs: 100, durationMs: 50 },
        { name: "wake.load", ...of, startMs: 150, durationMs: 150 },
        { name: "instance", ...of, startMs: 300, durationMs: 700, status: 500 },
      ],
      lines: [{ at: "2026-11-29T14:00:01.000Z", ...of, level: "info", stream: "stdout", text: "hi" }],
    });
    assert.deepEqual(searched, ["b"]);
  });

  it("names the run that made the call, if the run says so too", async () => {
    traced = { ...TRACED, run: RUN };
    const { run } = (await get(ID).expect(200)).body;
    assert.deepEqual(run, { flow: "order", id: RUN, step: "pay", item: 3, attempt: 2 });
    traced = { ...TRACED, run: CALL };
    assert.equal((await get(ID).expect(200)).body.run, undefined);
  });

  it("shows an asynchronous call by its own id, and by that of an attempt", async () => {
    const { body } = await get(CALL).expect(200);
    assert.deepEqual([body.call.id, body.function, body.durationMs, body.lines.length], [CALL, "b", 70, 1]);
    assert.deepEqual(body.spans, [
      { name: "queue", function: "b", startMs: 0, durationMs: 20 },
      { name: "attempt 1", function: "b", startMs: 20, durationMs: 40, status: 200 },
    ]);
    traced = { ...TRACED, call: CALL };
    assert.equal((await get(ID).expect(200)).body.call.id, CALL);
  });

  it("searches all logs for another call, or the one that is named", async () => {
    assert.equal((await get(ID).expect(200)).body.function, "b");
    assert.deepEqual(searched, ["a", "b", "c"]);
    searched = [];
    await get(`${ID}?function=b`).expect(200);
    assert.deepEqual(searched, ["b"]);
  });

  it("knows nothing of other ids", async () => {
    printed = {};
    for (const id of [ID, RUN, "x", "%ff"]) {
      const { body, status } = await get(id);
      assert.ok(status === 404 || status === 400, `${id} ${status}`);
      if (status === 404) assert.equal(body.code, "unknown_call");
    }
  });

  it("shows a key the functions that it is for", async () => {
    const spec = { name: "a", scopes: ["read"], functions: ["a", "c"] };
    const { key } = (await request(manager.url).post("/key").send(spec).expect(201)).body;
    traced = TRACED;
    await get(ID, key).expect(404);
    traced = undefined;
    for (const path of [ID, `${ID}?function=b`, CALL]) await get(path, key).expect(404);
    assert.equal(searched.includes("b"), false);
    printed = { c: "hi" };
    assert.equal((await get(ID, key).expect(200)).body.function, "c");
  });
});
