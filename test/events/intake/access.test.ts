import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Access } from "../../../http/access/access.ts";
import { issuedKey } from "../../support/issued-key.ts";
import { type StartedIntake, startIntake } from "./started-intake.ts";

const TOKEN = "0123456789abcdef-token";
const tokenHash = createHash("sha256").update(TOKEN).digest("hex");
const REMOTE: Access = { mode: "token", tokenHash, whereabouts: "On the table." };

describe("who may call a function asynchronously", () => {
  const started: StartedIntake[] = [];
  const start = async (access?: Access, env = {}) => {
    const intake = await startIntake(env, access);
    started.push(intake);
    return intake;
  };
  afterEach(async () => void (await Promise.all(started.splice(0).map((each) => each.stop()))));

  const outcome = async (intake: StartedIntake, name: string, headers: Record<string, string> = {}) => {
    const response = await intake.send(`/async/fn/${name}`, { headers });
    const answer = (await response.json()) as { code?: string };
    return [response.status, answer.code ?? intake.calls.at(-1)!.by] as const;
  };
  const authorizationOf = ({ calls }: StartedIntake) => {
    const { headers } = calls.at(-1)!.request;
    const at = headers.indexOf("authorization");
    return at < 0 ? undefined : headers[at + 1];
  };

  it("everybody, if it is public; keys and the token are noted and kept from it", async () => {
    const intake = await start(REMOTE);
    const { id, text, authorization } = issuedKey(intake.keys);
    assert.deepEqual(await outcome(intake, "hello"), [202, "anybody"]);
    assert.deepEqual(await outcome(intake, "hello", { authorization }), [202, `key test (${id})`]);
    assert.equal(intake.calls.at(-1)!.keyId, id);
    assert.deepEqual(intake.usedKeys, [id]);
    assert.equal(authorizationOf(intake), undefined);
    assert.deepEqual(await outcome(intake, "hello", { "x-skiff-key": TOKEN }), [202, "token"]);
    // Otherwise the function would answer whether a guess is right.
    assert.deepEqual(await outcome(intake, "hello", { authorization: `Bearer ${TOKEN}` }), [202, "anybody"]);
    const both = { "x-skiff-key": text, authorization: "Basic dXNlcjpwYXNz" };
    assert.deepEqual(await outcome(intake, "hello", both), [202, `key test (${id})`]);
    assert.equal(authorizationOf(intake), "Basic dXNlcjpwYXNz");
    const hidden = `Basic ${Buffer.from(`user:${text}`).toString("base64")}`;
    assert.deepEqual(await outcome(intake, "hello", { authorization: hidden }), [202, "anybody"]);
    assert.equal(authorizationOf(intake), undefined);
  });

  it("nobody without a key, if it asks for one", async () => {
    const intake = await start();
    assert.deepEqual(await outcome(intake, "locked"), [401, "unauthorized"]);
    const { id, authorization } = issuedKey(intake.keys, { functions: ["locked"] });
    assert.deepEqual(await outcome(intake, "locked", { authorization }), [202, `key test (${id})`]);
    const reader = issuedKey(intake.keys, { scopes: ["read"] });
    const other = issuedKey(intake.keys, { functions: ["third"] });
    const expired = issuedKey(intake.keys, { expiresAt: "2020-01-01T00:00:00.000Z" });
    for (const [key, expected] of [
      [reader, [403, "insufficient_scope"]],
      [other, [403, "insufficient_scope"]],
      [expired, [401, "unauthorized"]],
    ] as const) {
      assert.deepEqual(await outcome(intake, "locked", { authorization: key.authorization }), expected);
      assert.deepEqual(await outcome(intake, "hello", { authorization: key.authorization }), [
        202,
        "anybody",
      ]);
    }
  });

  it("only callers with a credential, if it is to send the outcome somewhere", async () => {
    const env = { SKIFF_CALLBACK_SECRET: "secret" };
    const remote = await start(REMOTE, env);
    const at = "hello?callback=https://example.com/done";
    const inHeader = { "skiff-callback": "https://example.com/done" };
    assert.deepEqual(await outcome(remote, at), [401, "unauthorized"]);
    assert.deepEqual(await outcome(remote, "hello", inHeader), [401, "unauthorized"]);
    assert.deepEqual(await outcome(remote, "hello?callback"), [401, "unauthorized"]);
    // With options in headers the query is the function's own.
    assert.deepEqual(await outcome(remote, at, { "skiff-delay": "1s" }), [202, "anybody"]);
    assert.deepEqual(await outcome(remote, "hello?callbacks=1"), [202, "anybody"]);
    const { id, authorization } = issuedKey(remote.keys);
    assert.deepEqual(await outcome(remote, at, { authorization }), [202, `key test (${id})`]);
    assert.deepEqual(await outcome(remote, at, { "x-skiff-key": TOKEN }), [202, "token"]);
    const local = await start(undefined, env);
    assert.deepEqual(await outcome(local, at), [202, "local"]);
    assert.deepEqual(await outcome(local, at, { origin: "https://example.com" }), [403, "forbidden"]);
  });

  it("whoever has the token, at every function", async () => {
    const intake = await start(REMOTE);
    for (const name of ["locked", "hidden"]) {
      assert.deepEqual(await outcome(intake, name, { authorization: `Bearer ${TOKEN}` }), [202, "token"]);
      assert.equal(authorizationOf(intake), undefined);
      assert.deepEqual(await outcome(intake, name, { "x-skiff-key": TOKEN }), [202, "token"]);
    }
  });

  it("keys and programs of the machine, if it is internal; nobody else learns that it exists", async () => {
    const intake = await start();
    const { id, authorization } = issuedKey(intake.keys);
    assert.deepEqual(await outcome(intake, "hidden"), [202, "local"]);
    assert.deepEqual(await outcome(intake, "hidden", { authorization }), [202, `key test (${id})`]);
    assert.deepEqual(await outcome(intake, "hidden", { origin: intake.url }), [403, "forbidden"]);
    assert.deepEqual(await outcome(intake, "hidden", { "x-forwarded-for": "192.0.2.1" }), [403, "forbidden"]);
    const remote = await start(REMOTE);
    assert.deepEqual(await outcome(remote, "hidden"), [404, "unknown_function"]);
    assert.deepEqual(await outcome(remote, "hidden", { authorization: "Bearer wrong" }), [
      404,
      "unknown_function",
    ]);
  });

  it("not somebody who guesses: wrong tokens of an address are counted", async () => {
    const intake = await start(REMOTE);
    const guess = { "x-skiff-key": "a-wrong-token-of-16" };
    for (let i = 0; i < 3; i++) assert.equal((await outcome(intake, "locked", guess))[0], 401);
    assert.deepEqual(await outcome(intake, "locked", guess), [429, "too_many_attempts"]);
    assert.deepEqual(await outcome(intake, "locked", { "x-skiff-key": TOKEN }), [429, "too_many_attempts"]);
    const { authorization } = issuedKey(intake.keys);
    assert.equal((await outcome(intake, "locked", { authorization }))[0], 202);
    assert.equal((await outcome(intake, "hello"))[0], 202);
  });

  it("no page that its browser asks for first", async () => {
    const intake = await start();
    const response = await intake.send("/async/fn/hello", {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "DELETE" },
    });
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  });

  it("known by the address that a trusted proxy names", async () => {
    const intake = await start(REMOTE, { SKIFF_TRUST_PROXY: "loopback" });
    const from = (address: string) => ({
      "x-forwarded-for": address,
      "x-forwarded-host": "fn.example.com",
      "x-skiff-key": "a-wrong-token-of-16",
    });
    for (let i = 0; i < 3; i++) await outcome(intake, "locked", from("192.0.2.1"));
    assert.deepEqual(await outcome(intake, "locked", from("192.0.2.1")), [429, "too_many_attempts"]);
    assert.deepEqual(await outcome(intake, "locked", from("192.0.2.2")), [401, "unauthorized"]);
    await outcome(intake, "hello", { ...from("192.0.2.3"), "x-skiff-key": "" });
    const { headers } = intake.calls.at(-1)!.request;
    assert.equal(headers[headers.indexOf("host") + 1], "fn.example.com");
    assert.equal(headers[headers.indexOf("x-forwarded-for") + 1], "192.0.2.3");
  });
});
