import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, type RequestListener, request } from "node:http";
import { eventually } from "../../support/eventually.ts";
import { KEY, SIGNED_IN, type StartedDashboard, startedDashboard } from "./started-dashboard.ts";

const CALLS = [
  ...["/fn", "/fn/", "/fn/hello", "/fn?x", "/async/fn/hello", "/async", "/gateway/orders"],
  ...["/flow/order/http", "/flow/order/http/x?y", "/topic/orders/call", "/topic/orders/call?x"],
];

describe("the way to the API", () => {
  let dashboard: StartedDashboard | undefined;
  afterEach(async () => {
    await dashboard?.close();
    dashboard = undefined;
  });
  const start = async (listener: RequestListener, options = {}) => {
    dashboard = await startedDashboard(listener, options);
    return dashboard;
  };
  const opened = (path: string, options: { method?: string; headers?: Record<string, string> } = {}) => {
    const { method = "GET", headers = {} } = options;
    return request(`${dashboard!.url}${path}`, { method, headers: { ...SIGNED_IN, ...headers } });
  };
  const answerOf = async (sent: ClientRequest) => (await once(sent, "response"))[0] as IncomingMessage;

  it("is closed for requests without a key", async () => {
    const { url, received } = await start((_, response) => response.end("{}"));
    const wrong = [
      "",
      "Bearer",
      "Bearer token-of-nobody",
      "Bearer sk_short",
      `Basic ${btoa("a:b")}`,
      `Bearer ${KEY}x`,
    ];
    for (const path of ["/api", "/api/func", "/api/fn/hello", "/try"]) {
      const init = { method: path === "/try" ? "POST" : "GET" };
      for (const authorization of wrong) {
        const response = await fetch(`${url}${path}`, { ...init, headers: { authorization } });
        const { code, detail } = (await response.json()) as { code: string; detail: string };
        assert.deepEqual([response.status, code], [401, "unauthorized"], `${path} ${authorization}`);
        assert.match(detail, /sign in/);
      }
      assert.equal((await fetch(`${url}${path}`, init)).status, 401);
    }
    assert.equal(received.length, 0);
  });

  it("takes the token of an installation that has one", async () => {
    const { url, received } = await start((_, response) => response.end("{}"), { hasToken: true });
    const headers = { authorization: "Bearer token-of-somebody" };
    assert.equal((await fetch(`${url}/api/func`, { headers })).status, 200);
    assert.equal(received[0]!.headers.authorization, headers.authorization);
  });

  it("leads to no function", async () => {
    const { url, received } = await start((_, response) => response.end("{}"));
    for (const path of CALLS) {
      const response = await fetch(`${url}/api${path}`, { headers: SIGNED_IN });
      assert.equal(response.status, 403, path);
    }
    for (const path of ["/api//fn/hello", "/api/%66n/hello", "/api/FN/hello", "/api\\fn", "/apifn/hello"]) {
      const answer = await answerOf(
        request({ port: dashboard!.port, path, headers: { ...SIGNED_IN, accept: "application/json" } }).end(),
      );
      assert.ok([400, 404].includes(answer.statusCode!), `${path} ${answer.statusCode}`);
    }
    assert.equal(received.length, 0);
  });

  it("removes what names the page, and what is for one connection", async () => {
    const { url, port, received } = await start((_, response) => response.end("{}"));
    const headers: Record<string, string> = {
      ...{
        origin: url,
        referer: `${url}/x`,
        cookie: "a=b",
        "sec-fetch-site": "same-origin",
        "sec-ch-ua": "x",
      },
      ...{ forwarded: "for=1.2.3.4", "x-forwarded-for": "1.2.3.4", "x-forwarded-host": "evil", via: "1.1 x" },
      ...{ "x-real-ip": "1.2.3.4", connection: "x-hop, close", "x-hop": "1", te: "trailers" },
      ...{ "x-skiff-key": "sk_other", "if-match": '"3"', "content-type": "text/plain", "last-event-id": "7" },
    };
    const answer = await answerOf(opened("/api/func/hello?x=1", { method: "PUT", headers }).end("body"));
    assert.equal(answer.statusCode, 200);
    const [{ method, url: path, headers: got }] = received as [IncomingMessage];
    assert.deepEqual([method, path], ["PUT", "/func/hello?x=1"]);
    const { host, ...rest } = got;
    assert.match(host!, /^127\.0\.0\.1:\d+$/);
    assert.notEqual(host, `127.0.0.1:${port}`);
    assert.deepEqual(rest, {
      ...{ "if-match": '"3"', "content-type": "text/plain", "last-event-id": "7", ...SIGNED_IN },
      ...{ connection: "keep-alive", "content-length": "4" },
    });
  });

  it("names the host of the page with the port of the functions, unless a function could have it", async () => {
    const { port, received } = await start((_, response) => response.end("{}"));
    const hostOf = async (host: string) => {
      const sent = request({ port, host: "127.0.0.1", path: "/api/", headers: { ...SIGNED_IN, host } });
      await answerOf(sent.end());
      return received.at(-1)!.headers.host!.replace(/:\d+$/, "");
    };
    assert.equal(await hostOf(`127.0.0.1:${port}`), "127.0.0.1");
    assert.equal(await hostOf(`[::1]:${port}`), "[::1]");
    assert.equal(await hostOf(`localhost:${port}`), "localhost");
    assert.equal(await hostOf(`shop.localhost:${port}`), "localhost");
    const named = await startedDashboard((_, response) => response.end("{}"), {
      ...{ isLoopback: false, functionsUrl: "https://functions.example.com/", namesClient: true },
    });
    const headers = { ...SIGNED_IN, host: "dashboard.example.com", "x-forwarded-for": "1.2.3.4" };
    await answerOf(request({ port: named.port, host: "127.0.0.1", path: "/api/func", headers }).end());
    assert.equal(named.received[0]!.headers.host, "functions.example.com");
    assert.equal(named.received[0]!.headers["x-forwarded-for"], "127.0.0.1");
    await named.close();
  });

  it("passes on of an answer only what cannot act on the dashboard", async () => {
    const { url } = await start((_, response) => {
      response.writeHead(201, {
        ...{ "content-type": "application/json", location: "/func/x", "set-cookie": "a=b", etag: '"1"' },
        ...{
          "clear-site-data": '"*"',
          "service-worker-allowed": "/",
          link: "</x>; rel=preload",
          refresh: "0",
        },
        ...{ "content-security-policy": "", "access-control-allow-origin": "*", "x-skiff-call-id": "7" },
        ...{
          "strict-transport-security": "max-age=1",
          "cache-control": "public",
          "referrer-policy": "unsafe-url",
        },
      });
      response.end("{}");
    });
    const { status, headers } = await fetch(`${url}/api/func`, { headers: SIGNED_IN });
    assert.equal(status, 201);
    const kept = Object.fromEntries(
      ["location", "etag", "x-skiff-call-id"].map((name) => [name, headers.get(name)]),
    );
    assert.deepEqual(kept, { location: "/func/x", etag: '"1"', "x-skiff-call-id": "7" });
    for (const name of [
      ...["set-cookie", "clear-site-data", "service-worker-allowed", "link", "refresh"],
      ...["access-control-allow-origin", "strict-transport-security"],
    ])
      assert.equal(headers.get(name), null, name);
    assert.match(headers.get("content-security-policy")!, /^sandbox; default-src 'none'/);
    assert.deepEqual(
      [headers.get("cache-control"), headers.get("referrer-policy")],
      ["no-store", "no-referrer"],
    );
  });

  it("follows no redirect, and lets no page follow one", async () => {
    const { url } = await start((_, response) =>
      response.writeHead(302, { location: "https://evil.example" }).end(),
    );
    const response = await fetch(`${url}/api/call/7/result`, { headers: SIGNED_IN, redirect: "manual" });
    assert.deepEqual([response.status, response.headers.get("location")], [302, null]);
  });

  it("streams both ways, and aborts what nobody waits for any more", async () => {
    const gone = Promise.withResolvers<void>();
    await start((received, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      received.on("data", (chunk: Buffer) => response.write(`data: ${chunk}\n\n`));
      response.on("close", gone.resolve);
    });
    const sent = opened("/api/topic/orders/events", { method: "POST" });
    sent.on("error", () => {});
    sent.write("one");
    const answer = await answerOf(sent);
    let got = "";
    answer.on("data", (chunk: Buffer) => {
      got += chunk;
    });
    await eventually("the first part is back", () => got === "data: one\n\n");
    sent.write("two");
    await eventually("the second part is back", () => got.endsWith("data: two\n\n"));
    answer.on("error", () => {});
    sent.destroy();
    await gone.promise;
  });

  it("says when the API does not answer, or breaks off", async () => {
    const { url } = await start((received, response) => {
      if (received.url === "/gone") received.socket.destroy();
      else {
        response.writeHead(200, { "content-length": 10 }).write("half");
        setImmediate(() => received.socket.destroy());
      }
    });
    const response = await fetch(`${url}/api/gone`, { headers: SIGNED_IN });
    assert.deepEqual(
      [response.status, ((await response.json()) as { code: string }).code],
      [503, "not_ready"],
    );
    const half = await fetch(`${url}/api/half`, { headers: SIGNED_IN });
    await assert.rejects(half.text());
  });
});
