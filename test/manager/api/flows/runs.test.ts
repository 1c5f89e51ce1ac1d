import assert from "node:assert/strict";
import request from "supertest";
import { openApi } from "../../../../manager/openapi/openapi.ts";
import { parseFlow } from "../../../../platform/flows/definition/parse.ts";
import type { Entry } from "../../../../platform/flows/run/entry.ts";
import { hashOf } from "../../../../platform/keys/key-text.ts";
import type { RunRecord } from "../../../../store/flows/runs.ts";
import { schemaFaults } from "../../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../../started-manager.ts";
import { FakeRuns } from "./fake-runs.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

const document: Any = openApi(LIMITS, { mode: "loopback" });
const TEXT = "steps:\n  check: {fn: check-order}\n  rows: {fn: row, each: [1, 2], needs: [check]}\n";
const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");

function assertSchema(name: string, body: unknown): void {
  const faults = schemaFaults(document.components.schemas[name], body, document);
  assert.deepEqual(faults, [], JSON.stringify(body));
}

function id(digit: number): string {
  return String(digit).padStart(32, "0");
}

function record(digit: number, more: Partial<RunRecord> = {}): RunRecord {
  return {
    ...{ id: id(digit), flow: "order", version: 1, state: "running", trigger: { kind: "api", by: "local" } },
    ...{
      acceptedAt: Date.UTC(2026, 0, digit),
      changedAt: Date.UTC(2026, 0, digit),
      by: "local",
      sequence: 1,
    },
    ...more,
  };
}

const FAILED: Partial<RunRecord> = {
  ...{ state: "failed", step: "check", endedAt: Date.UTC(2026, 0, 9) },
  error: { type: "card_declined", status: 402, message: "The card was declined." },
};

function begun(run: string): Entry {
  const { definition } = parseFlow(TEXT, { name: "order", limits: LIMITS });
  assert.ok(definition);
  return {
    ...{ kind: "begun", at: 0, run, definition, version: 1, functions: {}, depth: 0, traceparent: "" },
    ...{ trigger: { kind: "api", by: "local" }, input: { json: { id: "o-1" } } },
  };
}

describe("manager: runs of flows", () => {
  let skiff: StartedManager;
  let runs: FakeRuns;
  const readLogs: [name: string, call: string | undefined][] = [];
  const logs = {
    async *read(name: string, { call }: { readonly call?: string }) {
      readLogs.push([name, call]);
      for (const callId of call === undefined ? ["c-7", "of-another-run"] : [call])
        yield { at: new Date(0), instance: "i", stream: "stdout", text: `${name} ${callId}`, callId };
    },
  };
  beforeEach(async () => {
    runs = new FakeRuns();
    readLogs.length = 0;
    runs.records = [record(1, FAILED), record(2), record(3, { flow: "other" })];
    runs.streams.set(id(1), [
      begun(id(1)),
      { kind: "started", at: 1, step: "check", attempt: 1 },
      { kind: "done", at: 2, step: "check", attempt: 1, output: { json: 1 }, callId: "c-1" },
      { kind: "listed", at: 2, step: "rows", items: 2 },
      { kind: "started", at: 2, step: "rows", item: 0, attempt: 1 },
      { kind: "started", at: 2, step: "rows", item: 1, attempt: 1 },
      { kind: "done", at: 3, step: "rows", item: 0, attempt: 1, output: { json: 1 }, callId: "r-0" },
      { kind: "done", at: 4, step: "rows", item: 1, attempt: 1, output: { json: 1 }, callId: "r-1" },
    ]);
    for (const run of [2, 4]) runs.streams.set(id(run), [begun(id(run))]);
    skiff = await startManager({ store: runs.asStore({ logs }) });
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const listed = async (query: string) => {
    const { body } = await app().get(`/flow/order/run${query}`).expect(200);
    assertSchema("RunPage", body);
    return body.runs.map(({ id: each }: Any) => Number(each));
  };

  it("are listed, newest first, by state and time, in pages", async () => {
    assert.deepEqual(await listed(""), [2, 1]);
    assert.deepEqual(await listed("?state=failed,done"), [1]);
    assert.deepEqual(await listed("?since=2026-01-02T00:00:00Z"), [2]);
    assert.deepEqual(await listed("?until=2026-01-02T00:00:00Z"), [1]);
    const first = await app().get("/flow/order/run?limit=1").expect(200);
    assert.equal(first.body.next, id(2));
    assert.deepEqual(await listed(`?limit=1&cursor=${first.body.next}`), [1]);
    await app().get("/flow/order/run?state=dead").expect(400);
    await app().get("/flow/order/run?cursor=x").expect(400);
  });

  it("are listed for all flows together", async () => {
    const all = async (query: string) => {
      const { body } = await app().get(`/run${query}`).expect(200);
      assertSchema("RunPage", body);
      return body.runs.map(({ flow, id: each }: Any) => [flow, Number(each)]);
    };
    const [other, second, first] = [
      ["other", 3],
      ["order", 2],
      ["order", 1],
    ];
    assert.deepEqual(await all(""), [other, second, first]);
    assert.deepEqual(await all("?state=failed"), [first]);
    assert.deepEqual(await all(`?limit=1&cursor=${id(3)}`), [second]);
    runs.records = [];
    assert.deepEqual(await all(""), []);
  });

  it("are listed for a flow that was removed, and for none that never was", async () => {
    assert.equal((await app().get("/flow/none/run").expect(404)).body.code, "unknown_flow");
    await app().put("/flow/none").send(TEXT).expect(201);
    assert.deepEqual((await app().get("/flow/none/run").expect(200)).body, { runs: [], next: null });
  });

  it("are described, each of its own flow", async () => {
    const { body } = await app()
      .get(`/flow/order/run/${id(1)}`)
      .expect(200);
    assertSchema("RunDescription", body);
    assert.deepEqual([body.state, body.step, body.error], ["failed", "check", FAILED.error]);
    for (const path of [`/flow/order/run/${id(3)}`, `/flow/order/run/${id(9)}`, "/flow/order/run/x"]) {
      assert.equal((await app().get(path).expect(404)).body.code, "unknown_run");
    }
  });

  it("are waited for, for some time", async () => {
    const waiting = app()
      .get(`/flow/order/run/${id(2)}?wait=30s`)
      .then(({ body }) => body.state);
    runs.records[1] = record(2, { state: "done", endedAt: 1 });
    assert.equal(await waiting, "done");
    await app()
      .get(`/flow/order/run/${id(2)}?wait=9h`)
      .expect(400);
  });

  it("are cancelled, paused and resumed by their engine", async () => {
    const path = `/flow/order/run/${id(2)}`;
    for (const change of ["cancel?reason=Twice", "pause", "resume"]) {
      const { body, headers } = await app().post(`${path}/${change}`).expect(202);
      assertSchema("AcceptedRun", body);
      // Nobody has taken it: the state is the one before.
      assert.deepEqual(body, { id: id(2), state: "running", pending: change.replace(/\?.*/, "") });
      assert.equal(headers.location, path);
    }
    const told = runs.signals.map(({ run, signal }) => ({ run: Number(run), ...signal }));
    assert.deepEqual(told, [
      { run: 2, kind: "cancel", by: "local", reason: "Twice" },
      { run: 2, kind: "pause", by: "local" },
      { run: 2, kind: "resume", by: "local" },
    ]);
    for (const change of ["cancel", "pause", "resume"]) {
      const { body } = await app()
        .post(`/flow/order/run/${id(1)}/${change}`)
        .expect(409);
      assert.equal(body.code, "run_ended");
    }
    await app().post(`${path}/cancel?why=x`).expect(400);
  });

  it("that have ended go on from a step or an item", async () => {
    const retry = (query: string) => app().post(`/flow/order/run/${id(1)}/retry${query}`);
    assertSchema("AcceptedRun", (await retry("").expect(202)).body);
    await retry("?from=check").expect(202);
    await retry("?from=rows&item=1").expect(202);
    await app().put("/func/row").send("one").expect(201);
    await retry("?functions=current").expect(202);
    await retry("?functions=new").expect(400);
    assert.deepEqual(
      runs.reopened.map(({ signal }) => signal),
      [
        { kind: "retry", by: "local" },
        { kind: "retry", by: "local", from: "check" },
        { kind: "retry", by: "local", from: "rows", item: 1 },
        { kind: "retry", by: "local", functions: { row: 1 } },
      ],
    );
    const unknown = await retry("?from=chek").expect(404);
    assert.equal(unknown.body.code, "unknown_step");
    assert.match(unknown.body.detail, /Its steps: check, rows\./);
    assert.equal((await retry("?from=rows&item=2").expect(404)).body.code, "unknown_step");
    await retry("?from=check&item=1").expect(400);
    await retry("?item=1").expect(400);
    const live = await app()
      .post(`/flow/order/run/${id(2)}/retry`)
      .expect(409);
    assert.equal(live.body.code, "run_not_ended");
    assert.match(live.body.detail, /is running: wait for its end, or cancel it/);
    runs.records[1] = record(2, { state: "paused" });
    const paused = await app()
      .post(`/flow/order/run/${id(2)}/retry`)
      .expect(409);
    assert.match(paused.body.detail, /is paused: let it go on with POST …\/resume, or cancel it/);
  });

  it("in which nothing failed go on from a step alone", async () => {
    runs.records[0] = record(1, { state: "done", endedAt: 1 });
    const retry = (query: string) => app().post(`/flow/order/run/${id(1)}/retry${query}`);
    const { body } = await retry("").expect(409);
    assert.equal(body.code, "run_ended");
    assert.match(body.detail, /is done, and no step of it failed: name one with from, as in from=check\.$/);
    assert.deepEqual(runs.reopened, []);
    await retry("?from=check").expect(202);
    runs.records[0] = record(1, { state: "cancelled", endedAt: 1 });
    await retry("").expect(202);
  });

  it("are removed when they have ended", async () => {
    assert.equal(
      (
        await app()
          .delete(`/flow/order/run/${id(2)}`)
          .expect(409)
      ).body.code,
      "run_not_ended",
    );
    await app()
      .delete(`/flow/order/run/${id(1)}`)
      .expect(200);
    await app()
      .get(`/flow/order/run/${id(1)}`)
      .expect(404);
  });

  it("have the lines of all their calls", async () => {
    const path = `/flow/order/run/${id(1)}/logs`;
    const { text } = await app().get(path).expect(200);
    assert.equal(text.trim().split("\n").length, 3);
    assert.deepEqual(readLogs.splice(0), [
      ["check-order", "c-1"],
      ["row", "r-0"],
      ["row", "r-1"],
    ]);
    const json = await app()
      .get(`${path}?step=rows&item=1`)
      .set("accept", "application/x-ndjson")
      .expect(200);
    const line = JSON.parse(json.text);
    assert.deepEqual([line.function, line.callId], ["row", "r-1"]);
    assert.equal((await app().get(`${path}?step=x`).expect(404)).body.code, "unknown_step");
  });

  it("with many calls have their lines in one reading of each log", async () => {
    const many = Array.from({ length: 30 }, (_, attempt): Entry[] => [
      { kind: "started", at: 1, step: "check", attempt: attempt + 1 },
      {
        kind: "done",
        at: 2,
        step: "check",
        attempt: attempt + 1,
        output: { json: 1 },
        callId: `c-${attempt}`,
      },
    ]);
    runs.streams.set(id(1), [begun(id(1)), ...many.flat()]);
    const { text } = await app()
      .get(`/flow/order/run/${id(1)}/logs`)
      .expect(200);
    assert.deepEqual(readLogs, [["check-order", undefined]]);
    assert.deepEqual(text.trim().split("\n").length, 1, text);
  });

  it("are shown to whoever began them, and to nobody else who may only call", async () => {
    const guarded = await startManager({
      access: { mode: "token", tokenHash, whereabouts: "" },
      store: runs.asStore(),
    });
    try {
      const by = (key: string) => request.agent(guarded.url).set({ authorization: `Bearer ${key}` });
      const create = async (more: object) =>
        (
          await by(TOKEN)
            .post("/key")
            .send({ name: "k", scopes: ["call"], ...more })
            .expect(201)
        ).body;
      const [own, other, limited] = [
        await create({}),
        await create({}),
        await create({ scopes: ["read", "deploy"], functions: ["a"] }),
      ];
      runs.records.push(record(4, { keyId: own.id }));
      const path = `/flow/order/run/${id(4)}`;
      await by(own.key).get(path).expect(200);
      runs.streams.set(id(4), runs.streams.get(id(1))!);
      const parts = ["/step/check", "/step/check/output", "/logs"].map((part) => `${path}${part}`);
      for (const part of [...parts, `/flow/order/graph?run=${id(4)}`]) {
        await by(own.key).get(part).expect(200);
        for (const { key } of [other, limited]) await by(key).get(part).expect(404);
      }
      await by(own.key).get("/flow/order/graph").expect(403);
      await by(own.key).post(`${path}/cancel`).expect(202);
      await by(own.key).post(`${path}/pause`).expect(403);
      const [person, reader] = [
        await create({ scopes: ["call", "read"] }),
        await create({ scopes: ["read"] }),
      ];
      // Nobody is asked in this run: 409 is the answer to those who may approve.
      for (const { key } of [own, person]) await by(key).post(`${path}/approve`).expect(409);
      for (const { key } of [other, limited, reader]) {
        const { status } = await by(key).post(`${path}/approve`);
        assert.equal(status, key === other.key ? 404 : 403);
      }
      for (const { key } of [other, limited]) await by(key).get(path).expect(404);
      for (const { key } of [other, limited]) await by(key).post(`${path}/cancel`).expect(404);
      await by(own.key).get("/flow/order/run").expect(403);
    } finally {
      await guarded.stop();
    }
  });
});
