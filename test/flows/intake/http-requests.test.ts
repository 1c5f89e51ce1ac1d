import assert from "node:assert/strict";
import { IntakeRig } from "./intake-rig.ts";

const PLAIN = "{on: {http: true}, steps: {hello: {fn: hello}}}";
const ANSWERING = `
on: {http: {path: /orders, methods: [POST, PUT, GET], respond: check, access: public}}
steps:
  check: {fn: check}
  ship: {fn: ship, needs: [check]}
`;
const at = 1;

describe("the HTTP trigger of a flow", () => {
  let rig: IntakeRig;
  beforeEach(() => {
    rig = new IntakeRig();
  });
  afterEach(() => rig.stop());

  it("answers 202, and the run has the request without credentials", async () => {
    await rig.start({ plain: PLAIN });
    const secret = ["cookie", "x-signature", "x-api-key", "apikey", "x-gitlab-token", "x-hub-signature-256"];
    const more = ["x-amz-security-token", "client-secret", "x-auth", "proxy-password", "x-session-id"];
    const headers = {
      ...Object.fromEntries([...secret, ...more].map((name) => [name, "hidden-value"])),
      ...{ "skiff-overlap": "skip", "x-github-event": "push", "idempotency-key": "7", "x-author": "me" },
    };
    const answer = await rig.send("/flow/plain/http/a/b?x=1&y=2&x=3", { json: { a: 1 }, headers });
    assert.equal(answer.status, 202);
    const [run] = await rig.claimed();
    assert.equal(answer.headers.get("location"), `/flow/plain/run/${run!.id}`);
    const { trigger } = await rig.begunOf(run!.id);
    assert.ok(trigger.kind === "http");
    const { headers: kept, ...request } = trigger.request;
    assert.deepEqual(request, { method: "POST", path: "/a/b", query: { x: "3", y: "2" } });
    assert.ok(!JSON.stringify(await rig.begunOf(run!.id)).includes("hidden-value"), Object.keys(kept).join());
    assert.deepEqual([kept["x-github-event"], kept["content-type"]], ["push", "application/json"]);
    assert.deepEqual([kept["idempotency-key"], kept["x-author"]], ["7", "me"]);
    assert.deepEqual(
      [kept.cookie, kept["skiff-overlap"], kept.connection],
      [undefined, undefined, undefined],
    );
    assert.deepEqual(await rig.inputOf(run!.id), { json: { a: 1 } });
  });

  it("answers with the output of a step as soon as it is done", async () => {
    await rig.start({ order: ANSWERING });
    const answering = rig.send("/flow/order/http/orders/7", { method: "PUT", json: { a: 1 } });
    const [run] = await rig.claimed();
    assert.equal((run!.trigger as { request: { path: string } }).request.path, "/7");
    await rig.append(run!.id, { kind: "done", at, step: "ship", attempt: 1, output: { json: 1 } });
    await rig.append(run!.id, { kind: "done", at, step: "check", attempt: 1, output: { json: "<p>ok</p>" } });
    const answer = await answering;
    assert.deepEqual([answer.status, await answer.text()], [200, "<p>ok</p>"]);
    assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  });

  it("answers 204 for an output that is null, and 202 if the step is skipped or the run ends without it", async () => {
    await rig.start({ order: ANSWERING });
    const statusAfter = async (entry: Parameters<IntakeRig["append"]>[1]) => {
      const answering = rig.send("/flow/order/http/orders", { method: "GET" });
      const [run] = await rig.claimed();
      await rig.append(run!.id, entry);
      return (await answering).status;
    };
    const ended = { kind: "ended", at } as const;
    assert.equal(
      await statusAfter({ kind: "done", at, step: "check", attempt: 1, output: { json: null } }),
      204,
    );
    assert.equal(await statusAfter({ kind: "skipped", at, step: "check", why: "if" }), 202);
    assert.equal(await statusAfter({ ...ended, state: "done", output: { json: 1 } }), 202);
    const error = { type: "timeout", message: "too late" };
    assert.equal(await statusAfter({ ...ended, state: "failed", step: "check", error }), 502);
  });

  it("knows its path and methods alone", async () => {
    await rig.start({ order: ANSWERING, bare: "steps: {hello: {fn: hello}}" });
    for (const [method, path, status, code] of [
      ["POST", "/flow/bare/http", 404, "unknown_route"],
      ["POST", "/flow/other/http", 404, "unknown_flow"],
      ["POST", "/flow/order/http", 404, "unknown_route"],
      ["POST", "/flow/order/http/ordersx", 404, "unknown_route"],
      ["DELETE", "/flow/order/http/orders", 405, "method_not_allowed"],
    ] as const) {
      const answer = await rig.send(path, { method });
      const { code: got } = (await answer.json()) as { code: string };
      assert.deepEqual([answer.status, got], [status, code], `${method} ${path}`);
      if (status === 405) assert.equal(answer.headers.get("allow"), "POST, PUT, GET");
    }
    const options = await rig.send("/flow/order/http/orders", { method: "OPTIONS" });
    assert.deepEqual([options.status, options.headers.get("allow")], [204, "POST, PUT, GET"]);
    const headers = { "access-control-request-method": "POST" };
    const preflight = await rig.send("/flow/order/http/orders", { method: "OPTIONS", headers });
    assert.equal(preflight.status, 403);
  });

  it("asks for a key unless it is public", async () => {
    const access = { mode: "token", tokenHash: "0".repeat(64), whereabouts: "" } as const;
    await rig.start({ plain: PLAIN, order: ANSWERING.replace("respond: check, ", "") }, { access });
    assert.equal((await rig.send("/flow/plain/http", { json: {} })).status, 401);
    const headers = { authorization: "Bearer of-somebody-else" };
    assert.equal((await rig.send("/flow/order/http/orders", { json: {}, headers })).status, 202);
    const [run] = await rig.claimed();
    assert.equal(run!.by, "anybody");
    assert.ok(!JSON.stringify(await rig.begunOf(run!.id)).includes("of-somebody-else"));
  });
});
