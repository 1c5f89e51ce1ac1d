import assert from "node:assert/strict";
import { Agent, type IncomingHttpHeaders } from "node:http";
import { issuedKey } from "../../support/issued-key.ts";
import { Harness, raw, send } from "../support/harness.ts";

describe("router: access of functions", () => {
  let harness: Harness;
  /** Fields of the requests that the function got. */
  let got: IncomingHttpHeaders[];
  before(async () => {
    harness = await Harness.start();
    const address = await harness.instance((request, response) => {
      got.push(request.headers);
      response.end("hello");
    });
    await harness.publish("open", [address]);
    await harness.publish("keyed", [address], { access: "key", hosts: ["keyed.example"] });
    await harness.publish("inner", [address], { access: "internal", hosts: ["inner.example"] });
  });
  after(() => harness.close());
  beforeEach(() => {
    got = [];
  });

  const call = (name: string, headers: Record<string, string> = {}, method = "GET") =>
    send(`${harness.url}/fn/${name}`, { headers, method });
  const codeOf = async (name: string, authorization?: string) => {
    const { status, body } = await call(name, authorization === undefined ? {} : { authorization });
    return status === 200 ? 200 : (JSON.parse(body) as { code: string }).code;
  };

  it("key: lets callers with the scope call pass", async () => {
    for (const more of [{}, { scopes: ["admin"] as const }, { functions: ["keyed"] }]) {
      assert.equal(await codeOf("keyed", issuedKey(harness.keys, more).authorization), 200);
    }
  });

  it("key: answers 401 with a challenge to callers without a valid key", async () => {
    const { authorization } = issuedKey(harness.keys, { expiresAt: "2020-01-01T00:00:00Z" });
    for (const wrong of [undefined, "Bearer x", "Basic x", authorization, `${authorization}x`]) {
      const { status, headers, body } = await call(
        "keyed",
        wrong === undefined ? {} : { authorization: wrong },
      );
      assert.equal(status, 401, wrong);
      assert.equal(JSON.parse(body).code, "unauthorized");
      const isKey = wrong === authorization;
      const challenge = isKey ? 'Bearer realm="skiff", error="invalid_token"' : 'Bearer realm="skiff"';
      assert.equal(headers["www-authenticate"], challenge);
      assert.equal(headers["x-skiff-error"], "platform");
    }
    assert.deepEqual(got, []);
  });

  it("key: answers 403 to keys without the scope, and to keys for other functions", async () => {
    for (const more of [{ scopes: ["read", "deploy", "run"] as const }, { functions: ["open"] }]) {
      const { authorization } = issuedKey(harness.keys, more);
      const { status, headers, body } = await call("keyed", { authorization });
      assert.equal(status, 403);
      assert.equal(JSON.parse(body).code, "insufficient_scope");
      assert.match(headers["www-authenticate"]!, /error="insufficient_scope", scope="call"$/);
    }
    assert.deepEqual(got, []);
  });

  it("key: obeys a change and a revocation with the next call, on the same connection", async () => {
    const { id, spec, authorization } = issuedKey(harness.keys);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const status = async () => {
      const answer = await send(`${harness.url}/fn/keyed`, { headers: { authorization }, agent });
      return answer.status;
    };
    assert.deepEqual([await status(), await status()], [200, 200]);
    harness.keys.set(id, undefined);
    assert.equal(await status(), 401);
    agent.destroy();
    harness.keys.set(id, { ...spec, scopes: ["read"] });
    assert.equal(await codeOf("keyed", authorization), "insufficient_scope");
    harness.keys.set(id, { ...spec });
    assert.equal(await codeOf("keyed", authorization), 200);
  });

  it("internal: answers as if there were no function", async () => {
    const { authorization } = issuedKey(harness.keys, { scopes: ["admin"] });
    const withoutId = (body: string) => body.replace(/"callId":"[^"]*"/, "").replaceAll("none", "inner");
    const missing = await call("none");
    for (const headers of [{}, { authorization }]) {
      const { status, body } = await call("inner", headers);
      assert.deepEqual([status, withoutId(body)], [404, withoutId(missing.body)]);
    }
    assert.deepEqual(got, []);
  });

  it("hold at host names of functions as well", async () => {
    const at = (host: string, more = {}) => send(harness.url, { headers: { host, ...more } });
    const { authorization } = issuedKey(harness.keys);
    assert.equal((await at("keyed.example")).status, 401);
    assert.equal((await at("keyed.example", { authorization })).status, 200);
    const [inner, nobody] = [await at("inner.example", { authorization }), await at("nobody.example")];
    const shown = ({ status, body }: typeof inner) => [status, body.replace(/"callId":"[^"]*"/, "")];
    assert.deepEqual(shown(inner), shown(nobody), "nothing says that a function is there");
  });

  it("hold for requests with a body and for WebSockets", async () => {
    assert.equal((await send(`${harness.url}/fn/keyed`, { method: "POST", body: "x" })).status, 401);
    const head = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
    const handshake = `GET /fn/keyed HTTP/1.1\r\nhost: a\r\n${head}sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
    assert.match(await raw(harness.port, handshake), /^HTTP\/1\.1 401 /);
    assert.deepEqual(got, []);
  });

  it("do not pass a key on to the function, and pass other credentials on", async () => {
    const { authorization, text } = issuedKey(harness.keys);
    const wrong = `Bearer ${text.slice(0, -2)}AA`;
    for (const name of ["open", "keyed"]) await call(name, { authorization });
    // Also a wrong or revoked key is nothing that a function should see.
    await call("open", { authorization: wrong });
    await call("keyed", { "x-skiff-key": text, authorization: "Bearer mine" });
    for (const theirs of ["Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc", "Basic YTpi", "Bearer sk_short"])
      await call("open", { authorization: theirs });
    assert.deepEqual(
      got.map(({ authorization: seen }) => seen),
      [
        ...[undefined, undefined, undefined, "Bearer mine"],
        ...["Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc", "Basic YTpi", "Bearer sk_short"],
      ],
    );
    assert.ok(got.every((headers) => headers["x-skiff-key"] === undefined));
  });

  it("count the key in x-skiff-key before one in Authorization", async () => {
    const [right, wrong] = [issuedKey(harness.keys), issuedKey({ set: () => undefined })];
    const both = { authorization: wrong.authorization, "x-skiff-key": right.text };
    for (const order of [both, Object.fromEntries(Object.entries(both).reverse())])
      assert.equal((await call("keyed", order)).status, 200);
    const reversed = { authorization: right.authorization, "x-skiff-key": wrong.text };
    assert.equal((await call("keyed", reversed)).status, 401);
  });

  it("do not pass a key on in another form of Authorization either", async () => {
    const { text } = issuedKey(harness.keys);
    const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString("base64")}`;
    const forms = [text, `Bearer\t${text}`, `Bearer ${text}, x`, `Token token="${text}"`];
    for (const form of [...forms, basic(`ada:${text}`), basic(`${text}:`)]) {
      await call("open", { authorization: form });
      assert.deepEqual(got.splice(0)[0]!.authorization, undefined, form);
    }
    assert.equal(await codeOf("keyed", `bearer \t${text}`), 200);
    assert.equal(await codeOf("keyed", text), "unauthorized");
  });

  it("public: ignores keys that are not valid", async () => {
    const limited = issuedKey(harness.keys, { functions: ["keyed"] });
    for (const { authorization } of [issuedKey({ set: () => undefined }), limited])
      assert.equal(await codeOf("open", authorization), 200);
  });

  it("key: answers 429 to wrong keys of an address that sent too many, and lets right ones pass", async () => {
    const behind = await Harness.start({ env: { SKIFF_TRUST_PROXY: "loopback" }, limits: { attempts: 3 } });
    try {
      await behind.serve((_, response) => response.end("hello"), { access: "key" });
      const { authorization } = issuedKey(behind.keys);
      const wrong = issuedKey({ set: () => undefined }).authorization;
      const status = async (from: string, key: string) => {
        const headers = { "x-forwarded-for": from, authorization: key };
        const answer = await send(`${behind.url}/fn/echo`, { headers });
        if (answer.status === 429) assert.equal(JSON.parse(answer.body).code, "too_many_attempts");
        return answer.status;
      };
      for (let n = 0; n < 3; n++) assert.equal(await status("203.0.113.9", wrong), 401);
      assert.equal(await status("203.0.113.9", wrong), 429);
      // Many callers may have one address, such as that of a proxy which is not trusted.
      assert.equal(await status("203.0.113.9", authorization), 200);
      assert.equal(await status("203.0.113.10", wrong), 401);
    } finally {
      await behind.close();
    }
  });

  it("let pages of other origins send their key: a preflight needs none", async () => {
    const preflight = {
      origin: "https://app.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    };
    const { status, headers } = await call("keyed", preflight, "OPTIONS");
    assert.equal(status, 204);
    assert.equal(headers["access-control-allow-headers"], "authorization");
    assert.equal(headers["access-control-allow-origin"], "*");
    assert.deepEqual(got, []);
  });
});
