import assert from "node:assert/strict";
import { Harness, raw, send } from "../support/harness.ts";

const ORIGIN = { origin: "http://app.example.com" };
const PREFLIGHT = {
  ...ORIGIN,
  "access-control-request-method": "PUT",
  "access-control-request-headers": "content-type,x-own",
};
const EXPOSED = "ratelimit, ratelimit-policy, retry-after, x-skiff-call-id, x-skiff-error";

describe("a page of another origin", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start({ limits: { instanceWaitMs: 50, callBodyBytes: 10 } });
  });
  afterEach(() => harness.close());

  async function serveBroken(): Promise<void> {
    await harness.serve((_, response) => void response.socket!.destroy());
  }

  const refusals: [string, number, string, () => Promise<string>][] = [
    ["a function that is not there", 404, "unknown_function", async () => "/fn/nobody"],
    ["a path without a function", 404, "unknown_function", async () => "/fn/"],
    [
      "an instance that breaks",
      502,
      "instance_failed",
      async () => {
        await serveBroken();
        return "/fn/echo";
      },
    ],
    [
      "no instance",
      503,
      "no_capacity",
      async () => {
        await harness.publish("echo", []);
        return "/fn/echo";
      },
    ],
    [
      "a function that does not answer in time",
      504,
      "call_timeout",
      async () => {
        await harness.serve(() => {}, { timeoutMs: 100 });
        return "/fn/echo";
      },
    ],
  ];
  for (const [what, status, code, prepare] of refusals) {
    it(`can read the ${status} of ${what}`, async () => {
      const url = harness.url + (await prepare());
      const answer = await send(url, { headers: ORIGIN });
      assert.equal(answer.status, status);
      assert.equal(JSON.parse(answer.body).code, code);
      assert.equal(answer.headers["access-control-allow-origin"], "*");
      assert.equal(answer.headers["access-control-expose-headers"], EXPOSED);
      assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    });

    it(`gets there by a preflight that meets ${what}`, async () => {
      const url = harness.url + (await prepare());
      const answer = await send(url, { method: "OPTIONS", headers: PREFLIGHT });
      assert.equal(answer.status, 204);
      assert.equal(answer.body, "");
      const { headers } = answer;
      assert.equal(headers["access-control-allow-origin"], "*");
      assert.equal(headers["access-control-allow-methods"], "PUT");
      assert.equal(headers["access-control-allow-headers"], "content-type,x-own");
      assert.equal(headers["access-control-max-age"], "0");
      assert.equal(headers["access-control-allow-credentials"], undefined);
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(headers["x-skiff-error"], "platform");
      assert.ok(headers["x-skiff-call-id"]);
      assert.equal(headers["content-type"], undefined);
    });

    it(`gets the ${status} of ${what} for an OPTIONS that is no preflight`, async () => {
      const url = harness.url + (await prepare());
      const answer = await send(url, { method: "OPTIONS", headers: ORIGIN });
      assert.equal(answer.status, status);
      assert.equal(answer.headers["access-control-allow-origin"], "*");
    });
  }

  it("can read that its body was too large, or its method refused", async () => {
    await harness.serve((_, response) => response.end());
    const large = await send(`${harness.url}/fn/echo`, { method: "POST", body: "x".repeat(11) });
    assert.deepEqual([large.status, large.headers["access-control-allow-origin"]], [413, "*"]);
    const trace = await raw(harness.port, "TRACE /fn/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert.match(trace, /^HTTP\/1\.1 405/);
    assert.match(trace, /\r\naccess-control-allow-origin: \*\r\n/);
  });

  it("can read how long to stay away", async () => {
    await harness.publish("echo", []);
    const { headers } = await send(`${harness.url}/fn/echo`, { headers: ORIGIN });
    assert.equal(headers["retry-after"], "1");
    assert.ok(headers["access-control-expose-headers"]?.includes("retry-after"));
  });

  it("gets what the function answers to a preflight, and nothing besides", async () => {
    await harness.serve((_, response) => response.writeHead(403).end("no"));
    const { status, headers } = await send(`${harness.url}/fn/echo`, {
      method: "OPTIONS",
      headers: PREFLIGHT,
    });
    assert.equal(status, 403);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("access-control-")),
      [],
    );
  });

  it("gets no preflight for a request that Skiff refuses as malformed", async () => {
    const fields = "Access-Control-Request-Method: PUT\r\nOrigin: http://a\r\nConnection: close\r\n";
    await harness.serve((_, response) => response.end());
    const answer = await raw(harness.port, `OPTIONS /fn/echo HTTP/1.1\r\nHost: a/b\r\n${fields}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400/);
  });

  it("gets no method and header names back that are none", async () => {
    const call = async (fields: string) =>
      raw(harness.port, `OPTIONS /fn/nobody HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`);
    assert.match(await call("Access-Control-Request-Method: <b>\r\n"), /^HTTP\/1\.1 404/);
    const odd = await call(
      "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: a\xe9(\r\n",
    );
    assert.match(odd, /^HTTP\/1\.1 204/);
    assert.doesNotMatch(odd, /allow-headers/);
  });

  it("can read that Skiff is stopping", async () => {
    await harness.publish("echo", []);
    harness.router.isClosing = true;
    const { status, headers } = await send(`${harness.url}/fn/echo`);
    assert.deepEqual([status, headers["access-control-allow-origin"]], [503, "*"]);
  });
});
