import assert from "node:assert/strict";
import { hashOf, newKeyId, newKeyText } from "../../../platform/keys/key-text.ts";
import { IntakeRig } from "./intake-rig.ts";

const GREET = "steps: {hello: {fn: hello}}";
const TYPED = `
input: {type: object, required: [id], properties: {id: {type: string}, total: {type: number}}}
steps: {hello: {fn: hello}}
`;
const at = 1;

describe("POST /flow/NAME/run", () => {
  let rig: IntakeRig;
  beforeEach(() => {
    rig = new IntakeRig();
  });
  afterEach(() => rig.stop());

  it("answers 202 once the run is stored, with the definition and who began it", async () => {
    await rig.start({ greet: GREET });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const answer = await rig.send("/flow/greet/run", { json: { a: 1 }, headers: { traceparent } });
    assert.equal(answer.status, 202);
    const { id, url, state } = (await answer.json()) as Record<string, string>;
    assert.deepEqual([url, state], [`/flow/greet/run/${id}`, "queued"]);
    assert.equal(answer.headers.get("location"), url);
    assert.equal(answer.headers.get("skiff-run"), id);
    const [begun] = await rig.sqlite.runs.entries(id!, 0, 1);
    assert.ok(begun?.kind === "begun");
    assert.deepEqual(begun.input, { json: { a: 1 } });
    assert.deepEqual(begun.trigger, { kind: "api", by: "local" });
    assert.deepEqual([begun.version, begun.definition.flow, begun.traceparent], [1, "greet", traceparent]);
  });

  it("takes JSON, also of a form as curl declares it, a text, or a body of any type", async () => {
    await rig.start({ greet: GREET });
    const inputOf = async (body: BodyInit | undefined, type?: string) => {
      const headers = type === undefined ? {} : { "content-type": type };
      const answer = await rig.send("/flow/greet/run", { ...(body === undefined ? {} : { body }), headers });
      assert.equal(answer.status, 202);
      return rig.inputOf(((await answer.json()) as { id: string }).id);
    };
    assert.deepEqual(await inputOf(undefined), { json: {} });
    assert.deepEqual(await inputOf('{"a":1}', "application/x-www-form-urlencoded"), { json: { a: 1 } });
    assert.deepEqual(await inputOf("hello", "text/plain"), { json: "hello" });
    const image = await inputOf(Buffer.from([1, 2, 3]), "image/png");
    assert.ok("body" in image && image.type === "image/png" && image.bytes === 3);
    const long = await inputOf(JSON.stringify("x".repeat(100_000)), "application/json");
    assert.ok("body" in long && long.type === "application/json" && long.bytes === 100_002);
  });

  it("refuses JSON that does not parse, and an input that does not fit, with every fault", async () => {
    await rig.start({ typed: TYPED });
    const broken = await rig.send("/flow/typed/run", {
      body: "{",
      headers: { "content-type": "application/json" },
    });
    assert.equal(broken.status, 400);
    const wrong = await rig.send("/flow/typed/run", { json: { total: "12" } });
    assert.equal(wrong.status, 422);
    const { code, faults, detail } = (await wrong.json()) as Record<string, string>;
    assert.equal(code, "invalid_input");
    assert.deepEqual(faults, [
      { pointer: "", message: "must have required property 'id'" },
      { pointer: "/total", message: "must be number" },
    ]);
    assert.match(detail!, /does not fit the flow "typed": the input must have .*; \/total must be number/);
    const image = await rig.send("/flow/typed/run", { body: "x", headers: { "content-type": "image/png" } });
    assert.match(
      ((await image.json()) as { detail: string }).detail,
      /must be JSON of at most 10 MiB .*, and this is image\/png of 1 /,
    );
    assert.equal((await rig.send("/flow/typed/run", { json: { id: "a" } })).status, 202);
  });

  it("refuses JSON that is nested too deeply, unless it is a body of another type", async () => {
    await rig.start({ greet: GREET });
    for (const [levels, type, status] of [
      [200, "application/json", 202],
      [201, "application/json", 422],
      [20_000, "application/x-www-form-urlencoded", 422],
      [200_000, "application/json", 422],
      [20_000, "application/octet-stream", 202],
    ] as const) {
      const body = `${"[".repeat(levels)}${"]".repeat(levels)}`;
      const answer = await rig.send("/flow/greet/run", { body, headers: { "content-type": type } });
      assert.equal(answer.status, status, `${levels} ${type}`);
      const { code, detail } = (await answer.json()) as Record<string, string>;
      if (status === 202) continue;
      assert.equal(code, "invalid_input");
      assert.match(detail!, /input of the flow "greet" is nested deeper than 200 levels: make it flatter/);
    }
  });

  it("takes no broken JSON for a text, whichever type it has, and says where it breaks", async () => {
    await rig.start({ greet: GREET });
    const form = "application/x-www-form-urlencoded";
    for (const [body, type, place] of [
      ['{"a":1', form, "line 1 column 7"],
      ["\n [1,\n2,]", form, "line 3 column 3"],
      ['{"a":1,}', "application/json", "line 1 column 8"],
      ["{", "application/problem+json", "Expected property name or '}' at line 1 column 2"],
      ['[{"a":', form, "Unexpected end of JSON input at line 1 column 7"],
      ['{"a": tru, "b": [tru]}', form, "Unexpected token ',' at line 1 column 10"],
    ] as const) {
      const answer = await rig.send("/flow/greet/run", { body, headers: { "content-type": type } });
      const { code, detail } = (await answer.json()) as Record<string, string>;
      assert.deepEqual([answer.status, code], [400, "invalid_request"], body);
      assert.ok(detail!.includes(place), detail);
      assert.match(detail!, /Send valid JSON, or a text with Content-Type text\/plain\.$/);
    }
    assert.deepEqual(await rig.sqlite.runs.list({ limit: 10 }), []);
    const text = async (body: string, type: string) => {
      const answer = await rig.send("/flow/greet/run", { body, headers: { "content-type": type } });
      return rig.inputOf(((await answer.json()) as { id: string }).id);
    };
    assert.deepEqual(await text('{"a":1', "text/plain"), { json: '{"a":1' });
  });

  it("does not know other flows and parameters", async () => {
    await rig.start({ greet: GREET });
    for (const [path, status, code] of [
      ["/flow/other/run", 404, "unknown_flow"],
      ["/flow/greet/run?wiat=3s", 400, "invalid_request"],
      ["/flow/greet/run?wait=6m", 400, "invalid_request"],
      ["/flow/greet/run?wait=0s", 400, "invalid_request"],
    ] as const) {
      const answer = await rig.send(path, { json: {} });
      const { code: got } = (await answer.json()) as { code: string };
      assert.deepEqual([answer.status, got], [status, code], path);
    }
  });

  for (const isShared of [false, true]) {
    it(`waits for the output${isShared ? ", also of an engine in another program" : ""}`, async () => {
      await rig.start({ greet: GREET }, { isShared });
      const answering = rig.send("/flow/greet/run?wait=30s", { json: {} });
      const [run] = await rig.claimed();
      // Another program does not announce its changes here.
      if (isShared) rig.changes.removeAllListeners("run");
      await rig.append(run!.id, { kind: "started", at, step: "hello", attempt: 1 });
      await rig.append(run!.id, { kind: "ended", at, state: "done", output: { json: { ok: true } } });
      const answer = await answering;
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "application/json");
      assert.equal(answer.headers.get("skiff-run"), run!.id);
      assert.deepEqual(await answer.json(), { ok: true });
    });
  }

  it("answers 502 with the step and the error of a run that fails, and of one that is cancelled", async () => {
    await rig.start({ greet: GREET });
    const failing = rig.send("/flow/greet/run?wait=30s", { json: {} });
    const [failed] = await rig.claimed();
    const error = { type: "client_error", status: 404, message: "no such order" };
    await rig.append(failed!.id, { kind: "ended", at, state: "failed", step: "hello", error });
    const answer = await failing;
    assert.equal(answer.status, 502);
    const { code, run, detail } = (await answer.json()) as Record<string, string>;
    assert.deepEqual([code, run], ["run_failed", { id: failed!.id, step: "hello", error }]);
    assert.match(detail!, /failed at the step "hello": no such order$/);
    const cancelling = rig.send("/flow/greet/run?wait=30s", { json: {} });
    const [cancelled] = await rig.claimed();
    await rig.append(cancelled!.id, { kind: "ended", at, state: "cancelled", by: "token" });
    assert.match(
      ((await (await cancelling).json()) as { detail: string }).detail,
      /was cancelled by token\.$/,
    );
  });

  it("answers 202 when time is up, and at once when the program stops", async () => {
    await rig.start({ greet: GREET });
    const soon = rig.send("/flow/greet/run?wait=1s", { json: {} });
    const [begun] = await rig.claimed();
    await rig.append(begun!.id, { kind: "started", at, step: "hello", attempt: 1 });
    const late = await soon;
    const { state } = (await late.json()) as { state: string };
    assert.deepEqual([late.status, state], [202, "running"]);
    const answering = rig.send("/flow/greet/run?wait=5m", { json: {} });
    await rig.claimed();
    await rig.closePart();
    assert.equal((await answering).status, 202);
  });

  it("begins one run for requests with the same key, which all get its output", async () => {
    await rig.start({ greet: GREET });
    const send = (json: unknown, query = "") =>
      rig.send(`/flow/greet/run${query}`, { json, headers: { "idempotency-key": "k1" } });
    const first = (await (await send({ a: 1 })).json()) as { id: string };
    const again = await send({ a: 1 });
    assert.equal(again.headers.get("idempotency-replayed"), "true");
    assert.deepEqual(await again.json(), { ...first, state: "queued" });
    assert.equal((await send({ a: 2 })).status, 422);
    await rig.claimed();
    await rig.append(first.id, { kind: "ended", at, state: "done", output: { json: "done" } });
    const late = await send({ a: 1 }, "?wait=30s");
    assert.deepEqual([late.status, await late.text()], [200, "done"]);
  });

  it("refuses more live runs than allowed", async () => {
    await rig.start({ greet: GREET }, { env: { SKIFF_MAX_RUNS: "1" } });
    assert.equal((await rig.send("/flow/greet/run", { json: {} })).status, 202);
    const answer = await rig.send("/flow/greet/run", { json: {} });
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get("retry-after"), "5");
    const { code, setting } = (await answer.json()) as Record<string, string>;
    assert.deepEqual([code, setting], ["too_many_runs", "SKIFF_MAX_RUNS"]);
  });

  it("asks for a key with the scope call for all functions where there is a token", async () => {
    await rig.start(
      { greet: GREET },
      {
        access: { mode: "token", tokenHash: "0".repeat(64), whereabouts: "" },
      },
    );
    const keyWith = (spec: object) => {
      const id = newKeyId();
      const text = newKeyText(id);
      rig.keys.set(id, { name: "ci", hash: hashOf(text).toString("hex"), ...spec });
      return text;
    };
    const status = async (key?: string) => {
      const headers = key === undefined ? {} : { "x-skiff-key": key };
      return (await rig.send("/flow/greet/run", { json: {}, headers })).status;
    };
    assert.equal(await status(), 401);
    assert.equal(await status("sk_wrong"), 401);
    assert.equal(await status(keyWith({ scopes: ["call"] })), 202);
    assert.equal(await status(keyWith({ scopes: ["call"], functions: ["hello"] })), 403);
    assert.equal(await status(keyWith({ scopes: ["run"] })), 403);
    const [run] = await rig.claimed();
    assert.match(run!.by, /^key ci \(/);
  });
});
