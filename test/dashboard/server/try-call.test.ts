import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, type RequestListener, request } from "node:http";
import { text as textOf } from "node:stream/consumers";
import { eventually } from "../../support/eventually.ts";
import { KEY, SIGNED_IN, type StartedDashboard, startedDashboard } from "./started-dashboard.ts";

interface Answer {
  readonly status: number;
  readonly headers: readonly [string, string][];
  readonly firstByteMs: number;
  readonly omitted?: number;
}

describe("a call that the page tries", () => {
  let dashboard: StartedDashboard | undefined;
  afterEach(async () => {
    await dashboard?.close();
    dashboard = undefined;
  });
  const start = async (listener: RequestListener) => {
    dashboard = await startedDashboard(listener);
    return dashboard;
  };
  const attempt = (envelope: unknown, init: RequestInit & { duplex?: "half" } = {}) => {
    const text = Buffer.from(JSON.stringify(envelope)).toString("base64url");
    const headers = { ...SIGNED_IN, "x-skiff-try": text };
    return fetch(`${dashboard!.url}/try`, { method: "POST", headers, redirect: "manual", ...init });
  };
  const answerOf = ({ headers }: Response) =>
    JSON.parse(Buffer.from(headers.get("x-skiff-try-answer")!, "base64url").toString()) as Answer;
  const fieldsOf = (answer: Answer) =>
    Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value]));

  it("has method, path, fields and body of the page, and not its credential", async () => {
    const { received } = await start(async (request, response) => {
      response.end(`got ${Buffer.concat(await request.toArray())}`);
    });
    const headers = [
      ...[
        ["X-Twice", "1"],
        ["X-Twice", "2"],
        ["X-Name", "Grüße"],
        ["Authorization", "Bearer own"],
      ],
      ...[
        ["Host", "evil"],
        ["Content-Length", "99"],
        ["Connection", "close"],
        ["Transfer-Encoding", "x"],
      ],
      ...[
        ["X-Forwarded-For", "1.2.3.4"],
        ["Expect", "100-continue"],
        ["Forwarded", "for=x"],
      ],
    ];
    const response = await attempt({ method: "PATCH", path: "/fn/hello@2/a?b=c", headers }, { body: "text" });
    assert.deepEqual(
      [response.status, response.headers.get("content-type")],
      [200, "application/octet-stream"],
    );
    assert.equal(await response.text(), "got text");
    const { status, firstByteMs } = answerOf(response);
    assert.equal(status, 200);
    assert.ok(firstByteMs >= 0 && firstByteMs < 10_000);
    const [{ method, url, rawHeaders, headers: got }] = received as [(typeof received)[0]];
    assert.deepEqual([method, url], ["PATCH", "/fn/hello@2/a?b=c"]);
    assert.deepEqual([got["x-twice"], got.authorization], ["1, 2", "Bearer own"]);
    assert.equal(Buffer.from(got["x-name"] as string, "latin1").toString(), "Grüße");
    assert.deepEqual(
      [got["content-length"], got["x-forwarded-for"], got.forwarded],
      ["4", undefined, undefined],
    );
    assert.match(got.host!, /^127\.0\.0\.1:/);
    assert.ok(!rawHeaders.join("\n").includes(KEY));
    assert.equal(got["x-skiff-key"], undefined);
    await attempt({ method: "GET", path: "/fn/hello", withKey: true });
    assert.equal(received[1]!.headers["x-skiff-key"], KEY);
    assert.equal(received[1]!.headers.authorization, undefined);
  });

  it("shows every status and every field, and lets none of them act", async () => {
    const hostile = {
      ...{
        location: "https://evil.example",
        "set-cookie": "a=b",
        "clear-site-data": '"*"',
        refresh: "0;url=/x",
      },
      ...{ "content-type": "text/html", "service-worker-allowed": "/", link: "</x>; rel=preload" },
      ...{
        "content-security-policy": "default-src *",
        "access-control-allow-origin": "*",
        "x-frame-options": "",
      },
      ...{ "x-skiff-try-answer": "forged", "www-authenticate": "Basic", "content-disposition": "attachment" },
    };
    await start((request, response) => {
      response.writeHead(Number(/\d+/.exec(request.url!)![0]), hostile).end();
    });
    for (const status of [200, 204, 205, 206, 301, 302, 303, 304, 307, 308, 401, 407, 421, 500, 511, 599]) {
      const response = await attempt({ method: "GET", path: `/fn/hello/${status}` });
      assert.equal(response.status, 200, String(status));
      const answer = answerOf(response);
      assert.equal(answer.status, status);
      assert.equal(fieldsOf(answer)["set-cookie"], "a=b");
      assert.equal(response.headers.get("content-type"), "application/octet-stream");
      assert.match(response.headers.get("content-security-policy")!, /^sandbox/);
      for (const name of Object.keys(hostile)) {
        const own = ["content-type", "content-security-policy", "x-frame-options", "x-skiff-try-answer"];
        if (!own.includes(name)) assert.equal(response.headers.get(name), null, `${name} ${status}`);
      }
      assert.equal(await response.text(), "");
    }
    const head = await attempt({ method: "HEAD", path: "/fn/hello/200" });
    assert.deepEqual([answerOf(head).status, await head.text()], [200, ""]);
  });

  it("counts fields that are more than a browser takes", async () => {
    await start((_, response) => {
      for (let at = 0; at < 12; at++) response.setHeader(`x-${at}`, "v".repeat(10_000));
      response.end("body");
    });
    const text = Buffer.from(JSON.stringify({ method: "GET", path: "/fn/hello" })).toString("base64url");
    const sent = request(`${dashboard!.url}/try`, {
      ...{ method: "POST", headers: { ...SIGNED_IN, "x-skiff-try": text } },
      // That of Chromium.
      maxHeaderSize: 256 * 1024,
    });
    const [response] = (await once(sent.end(), "response")) as [IncomingMessage];
    const envelope = String(response.headers["x-skiff-try-answer"]);
    const answer = JSON.parse(Buffer.from(envelope, "base64url").toString()) as Answer;
    assert.ok(answer.headers.length >= 8 && answer.omitted! >= 2, JSON.stringify(answer).slice(0, 80));
    assert.equal(await textOf(response), "body");
  });

  it("streams an upload of 20 MB, and an answer without end until the page has enough", async () => {
    const gone = Promise.withResolvers<void>();
    const hash = createHash("sha256");
    await start((request, response) => {
      if (request.url === "/fn/upload") {
        request.on("data", (chunk: Buffer) => hash.update(chunk));
        request.on("end", () => response.end(hash.digest("hex")));
        return;
      }
      const more = setInterval(() => response.write("tick\n"), 5);
      response.on("close", () => {
        clearInterval(more);
        gone.resolve();
      });
    });
    const body = randomBytes(20_000_000);
    const sent = await attempt({ method: "POST", path: "/fn/upload" }, { body });
    assert.equal(await sent.text(), createHash("sha256").update(body).digest("hex"));
    const aborting = new AbortController();
    const response = await attempt({ method: "GET", path: "/fn/endless" }, { signal: aborting.signal });
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString();
    })();
    await eventually("parts arrive", () => text.length > 20);
    aborting.abort();
    await assert.rejects(reading);
    await gone.promise;
  });

  it("is a problem where there is no answer", async () => {
    await start((request) => void request.socket.destroy());
    const response = await attempt({ method: "GET", path: "/fn/hello" });
    const { code } = (await response.json()) as { code: string };
    assert.deepEqual(
      [response.status, code, response.headers.get("x-skiff-try-answer")],
      [503, "not_ready", null],
    );
  });

  it("goes to functions alone, with a method of a call", async () => {
    const { received } = await start((_, response) => response.end());
    const paths = [
      ...[
        "/",
        "/func",
        "/fn",
        "/fn/",
        "/fn/../func",
        "/fn/%2e%2e/func",
        "//fn/hello",
        "/key",
        "/topic/orders",
      ],
      ...[
        "/flow/order/run",
        "http://evil.example/fn/hello",
        "/fn/HELLO",
        "/fn/hello\r\nx: y",
        "/fn/hello x",
        7,
      ],
    ];
    for (const path of paths)
      assert.equal((await attempt({ method: "GET", path })).status, 400, String(path));
    for (const method of ["CONNECT", "trace", "GET /x", "", 7, undefined])
      assert.equal((await attempt({ method, path: "/fn/hello" })).status, 400, String(method));
    for (const headers of ["x", [["a"]], [["a b", "c"]], [["a", "b\r\nc: d"]], [["a", 7]], [null]])
      assert.equal(
        (await attempt({ method: "GET", path: "/fn/hello", headers })).status,
        400,
        String(headers),
      );
    assert.equal((await attempt([])).status, 400);
    assert.equal(received.length, 0);
    for (const path of ["/fn/hello", "/async/fn/hello@3?x", "/topic/orders/call", "/flow/order/http/a/b?c"])
      assert.equal((await attempt({ method: "POST", path })).status, 200, path);
  });
});
