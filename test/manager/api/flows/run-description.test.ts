import assert from "node:assert/strict";
import request from "supertest";
import { openApi } from "../../../../manager/openapi/openapi.ts";
import { parseFlow } from "../../../../platform/flows/definition/parse.ts";
import type { RunRecord } from "../../../../store/flows/runs.ts";
import { body, DrivenRun } from "../../../flows/support/driven-run.ts";
import { schemaFaults } from "../../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../../started-manager.ts";
import { FakeRuns } from "./fake-runs.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

const document: Any = openApi(LIMITS, { mode: "loopback" });
const ID = "1".padStart(32, "0");
const PATH = `/flow/order/run/${ID}`;
const TEXT = `steps:
  check: {fn: check-order, with: {id: "\${ input.id }"}}
  ok: {approve: "Ship \${ input.id }?", needs: [check]}
  also: {approve: "Bill?", needs: [check]}
  rows: {fn: row, each: [a, b], needs: [check], with: "\${ item }"}
  last: {fn: f, needs: [ok, also, rows], with: {n: "\${ steps.check.output.n }"}}
`;

function assertSchema(name: string, value: unknown): void {
  const faults = schemaFaults(document.components.schemas[name], value, document);
  assert.deepEqual(faults, [], JSON.stringify(value));
}

describe("manager: runs of flows with their steps", () => {
  let skiff: StartedManager;
  let runs: FakeRuns;
  let run: DrivenRun;
  const stored = new Map<string, string>();
  const bodies = {
    async *read({ id }: { readonly id: string }) {
      yield Buffer.from(stored.get(id)!);
    },
  };
  beforeEach(async () => {
    runs = new FakeRuns();
    stored.clear();
    const { definition } = parseFlow(TEXT, { name: "order", limits: LIMITS });
    assert.ok(definition);
    run = new DrivenRun(definition, { id: "o-1" }, { value: () => ({ json: { n: 7 } }) });
    runs.streams.set(ID, run.entries);
    runs.records = [{ ...recordOf(run) }];
    skiff = await startManager({ store: runs.asStore({ bodies }) });
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const recordOf = ({ row }: DrivenRun): RunRecord => ({
    ...{ id: ID, flow: "order", version: 1, trigger: { kind: "api", by: "local" }, ...row },
    ...{ acceptedAt: 1_000, changedAt: 1_000, by: "local", sequence: run.entries.length },
  });
  const described = async () => {
    const { body: found } = await app().get(PATH).expect(200);
    assertSchema("RunDescription", found);
    return found;
  };

  it("show states, attempts, the graph and values", async () => {
    assert.equal((await described()).steps.check.state, "running");
    run.end("check.1", { output: { json: { n: 7 } }, callId: "c-1" });
    run.fail("rows[1].1", 503);
    const found = await described();
    assert.deepEqual(
      Object.entries(found.steps).map(([name, { state }]: Any) => `${name} ${state}`),
      ["check done", "ok waiting", "also waiting", "rows running", "last pending"],
    );
    const { check, ok, rows } = found.steps;
    assert.deepEqual([check.attempts[0].callId, check.attempts[0].state], ["c-1", "done"]);
    assert.deepEqual(ok.attempts[0].waitsFor.message, "Ship o-1?");
    assert.match(ok.attempts[0].waitsFor.until, /^1970-01-08T/);
    assert.deepEqual([rows.items.running, rows.items.retrying], [1, 1]);
    assert.deepEqual(found.input, { id: "o-1" });
    assert.ok(found.edges.some(({ from, to, kind }: Any) => `${from} ${to} ${kind}` === "check ok needs"));
  });

  it("show the input and the output of an attempt", async () => {
    run.end("check.1", { output: { json: { n: 7 } }, callId: "c-1" });
    run.fail("rows[1].1", 503);
    run.advance(60_000);
    run.done("rows[1].2", "B");
    const check = await app().get(`${PATH}/step/check`).expect(200);
    assertSchema("RunAttemptDescription", check.body);
    assert.deepEqual([check.body.input, check.body.output], [{ id: "o-1" }, { n: 7 }]);
    const failed = await app().get(`${PATH}/step/rows?item=1&attempt=1`).expect(200);
    assertSchema("RunAttemptDescription", failed.body);
    assert.deepEqual(
      [failed.body.input, failed.body.output, failed.body.error.status],
      ["b", undefined, 503],
    );
    const last = await app().get(`${PATH}/step/rows?item=1`).expect(200);
    assert.deepEqual([last.body.attempt, last.body.output, last.body.attempts.length], [2, "B", 2]);
    assert.equal((await app().get(`${PATH}/step/rows/output?item=1`).expect(200)).text, '"B"\n');
  });

  it("name the step, item or attempt that there is not", async () => {
    const code = async (path: string, status: number) =>
      (await app().get(`${PATH}/step/${path}`).expect(status)).body.code;
    assert.equal(await code("chek", 404), "unknown_step");
    assert.equal(await code("last", 404), "unknown_step");
    assert.equal(await code("check?attempt=2", 404), "unknown_step");
    assert.equal(await code("check?item=0", 400), "invalid_request");
    assert.equal(await code("check/output", 404), "no_result");
    run.done("check.1");
    assert.equal(await code("rows", 400), "invalid_request");
    assert.equal(await code("rows?item=9", 404), "unknown_step");
  });

  it("show values that are kept as bodies", async () => {
    const large = body("large");
    stored.set("large", '{"n": 7}');
    run.end("check.1", { output: large });
    for (const name of ["rows[0].1", "rows[1].1"]) run.done(name);
    for (const step of ["ok", "also"]) run.signal({ kind: "approval", step, approved: true, by: "ann" });
    const check = await app().get(`${PATH}/step/check`).expect(200);
    assertSchema("RunAttemptDescription", check.body);
    assert.deepEqual(check.body.outputBody, { bytes: large.bytes, type: large.type });
    const last = await app().get(`${PATH}/step/last`).expect(200);
    assert.deepEqual(last.body.input, { n: 7 });
  });

  it("answer with a body as it is", async () => {
    stored.set("picture", "pixels");
    run.end("check.1", { output: { body: "picture", bytes: 6, type: "image/png" } });
    const { body: bytes, headers } = await app().get(`${PATH}/step/check/output`).expect(200);
    assert.deepEqual([String(bytes), headers["content-type"]], ["pixels", "image/png"]);
    assert.equal(headers["content-security-policy"], "sandbox");
  });

  it("are approved or rejected by people", async () => {
    const approve = (query: string, decision?: object) =>
      app()
        .post(`${PATH}/approve${query}`)
        .send(decision as object);
    assert.equal((await approve("").expect(409)).body.code, "not_waiting");
    run.done("check.1");
    const several = await approve("").expect(400);
    assert.match(several.body.detail, /step=ok or step=also/);
    const { body } = await app().post(`${PATH}/approve?step=ok`).expect(202);
    assertSchema("AcceptedRun", body);
    assert.equal(body.pending, "approve");
    const rejected = await approve("?step=also", { approved: false, comment: "No.", data: [1] }).expect(202);
    assert.equal(rejected.body.pending, "reject");
    assert.deepEqual(
      runs.signals.map(({ signal }) => signal),
      [
        { kind: "approval", step: "ok", approved: true, by: "local" },
        { kind: "approval", step: "also", approved: false, comment: "No.", data: [1], by: "local" },
      ],
    );
    await approve("?step=none").expect(404);
    await approve("?step=rows").expect(409);
    await approve("?step=ok", { aproved: true }).expect(400);
    await approve("?step=ok", { approved: "yes" }).expect(400);
    await approve("?step=ok", { comment: "x".repeat(2_001) }).expect(400);
    const deep = `{"data": ${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    const { body: problem } = await app()
      .post(`${PATH}/approve?step=ok`)
      .set("content-type", "application/json")
      .send(deep)
      .expect(400);
    assert.match(problem.detail, /data is nested deeper than 200 levels/);
    const late = async (step: string) => (await approve(`?step=${step}`).expect(409)).body.detail;
    run.signal({ kind: "approval", step: "ok", approved: true, by: "ann" });
    assert.match(await late("ok"), /waits for no such approval: it was approved at 1970-.*Z\. These steps/);
    run.signal({ kind: "approval", step: "also", approved: false, by: "ann", comment: "no" });
    assert.match(await late("also"), /no such approval: it ended at 1970-.*Z: ann refused: no\. Nobody/);
  });

  it("are not paused once they are being cancelled", async () => {
    await app().post(`${PATH}/pause`).expect(202);
    run.entries.push({ kind: "cancelling", at: 2_000, by: "ann" });
    const { body: problem } = await app().post(`${PATH}/pause`).expect(409);
    assert.equal(problem.code, "run_cancelling");
    assert.equal(runs.signals.length, 1);
  });

  it("are approved by those alone whom the step names", async () => {
    const text = TEXT.replace(
      'also: {approve: "Bill?"',
      'also: {approve: {message: "Bill?", by: [key boss, "oidc ann@example.com"]}',
    );
    const { definition } = parseFlow(text, { name: "order", limits: LIMITS });
    assert.ok(definition);
    run = new DrivenRun(definition, { id: "o-1" });
    run.done("check.1", { n: 7 });
    runs.streams.set(ID, run.entries);
    runs.records = [recordOf(run)];
    const create = async (name: string): Promise<string> =>
      (
        await app()
          .post("/key")
          .send({ name, scopes: ["call", "read"] })
          .expect(201)
      ).body.key;
    const [boss, clerk] = [await create("boss"), await create("clerk")];
    const approve = (step: string, key: string) =>
      app()
        .post(`${PATH}/approve?step=${step}`)
        .set({ authorization: `Bearer ${key}` });
    const { body: problem } = await approve("also", clerk).expect(403);
    assert.equal(problem.code, "forbidden");
    assert.match(
      problem.detail,
      /"also" may be decided by key boss, oidc ann@example\.com alone, and the caller is key clerk/,
    );
    await app().post(`${PATH}/approve?step=also`).expect(403);
    await approve("ok", clerk).expect(202);
    await approve("also", boss).expect(202);
    assert.deepEqual(
      runs.signals.map(({ signal }) => signal.kind === "approval" && [signal.step, signal.by.split(" (")[0]]),
      [
        ["ok", "key clerk"],
        ["also", "key boss"],
      ],
    );
  });

  it("are drawn with the states of their steps, and flows without", async () => {
    run.done("check.1");
    await app().put("/flow/order").set("content-type", "application/yaml").send(TEXT).expect(201);
    const plain = await app().get("/flow/order/graph").expect(200);
    assertSchema("FlowGraph", plain.body);
    assert.equal(plain.body.nodes[0].state, undefined);
    const painted = await app().get(`/flow/order/graph?run=${ID}`).expect(200);
    assertSchema("FlowGraph", painted.body);
    assert.equal(painted.body.nodes[0].state, "done");
    const mermaid = await app().get("/flow/order/graph?format=mermaid").expect(200);
    assert.match(mermaid.text, /^flowchart TD\n/);
    const svg = await app().get(`/flow/order/graph?format=svg&run=${ID}`).expect(200);
    assert.equal(svg.headers["content-type"], "image/svg+xml");
    assert.match(svg.headers["content-security-policy"]!, /sandbox/);
    await app().get("/flow/order/graph?format=png").expect(400);
    await app().get("/flow/order/graph?run=x").expect(404);
    await app().get("/flow/none/graph").expect(404);
  });
});
