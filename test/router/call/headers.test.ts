import assert from "node:assert/strict";
import { Harness, raw, send } from "../support/harness.ts";
import { RawInstance } from "../support/raw-instance.ts";

describe("the header fields of a call", () => {
  let harness: Harness;
  let seen: string[] = [];
  beforeEach(async () => {
    harness = await Harness.start();
    await harness.serve((request, response) => {
      seen = request.rawHeaders;
      response.end();
    });
  });
  afterEach(() => harness.close());

  async function sent(fields: string): Promise<Record<string, string>> {
    const answer = await raw(
      harness.port,
      `GET /fn/echo/a HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n${fields}\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 200/);
    const record: Record<string, string> = {};
    for (let i = 0; i < seen.length; i += 2) {
      assert.ok(!(seen[i]!.toLowerCase() in record), `${seen[i]} is repeated`);
      record[seen[i]!.toLowerCase()] = seen[i + 1]!;
    }
    return record;
  }

  it("say where the call came from", async () => {
    const fields = await sent("");
    assert.equal(fields.host, "h:1");
    assert.equal(fields["x-forwarded-for"], "127.0.0.1");
    assert.equal(fields["x-forwarded-host"], "h:1");
    assert.equal(fields["x-forwarded-proto"], "http");
    assert.equal(fields["x-forwarded-prefix"], "/fn/echo");
    assert.equal(fields.forwarded, undefined);
  });

  it("carry the client's address after those of the proxies before", async () => {
    const fields = await sent(
      "X-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2\r\nForwarded: for=192.0.2.1\r\nX-Forwarded-Host: evil\r\n",
    );
    assert.equal(fields["x-forwarded-for"], "192.0.2.1, 192.0.2.2, 127.0.0.1");
    assert.equal(fields.forwarded, 'for=192.0.2.1, for=127.0.0.1;host="h:1";proto=http');
    assert.equal(fields["x-forwarded-host"], "h:1");
  });

  it("name a host even for a client of HTTP/1.0 that named none", async () => {
    assert.match(await raw(harness.port, "GET /fn/echo HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200/);
    assert.equal(seen[seen.findIndex((name) => name.toLowerCase() === "host") + 1], "localhost");
    assert.ok(!seen.includes("x-forwarded-host"));
  });

  it("pass as they are", async () => {
    const fields = await sent("Accept: */*\r\nX-Own: caf\xe9\r\n");
    assert.equal(fields.accept, "*/*");
    assert.equal(fields["x-own"], "caf\xe9");
  });

  it("lose what is meant for the next hop alone, in any spelling", async () => {
    const fields = await sent(
      "Keep-Alive: timeout=5\r\nPROXY-authorization: Basic x\r\nproxy-connection: keep-alive\r\nUpgrade: h2c\r\n" +
        "HTTP2-Settings: x\r\nTrailer: x-late\r\nTE: trailers, deflate;q=0.5\r\n",
    );
    for (const name of [
      "keep-alive",
      "proxy-authorization",
      "proxy-connection",
      "upgrade",
      "http2-settings",
      "trailer",
    ]) {
      assert.equal(fields[name], undefined, name);
    }
    assert.equal(fields.te, "trailers");
  });

  it("lose what Connection names, but neither the host nor the forwarded fields", async () => {
    const answer = raw(
      harness.port,
      "GET /fn/echo HTTP/1.1\r\nHost: h\r\nX-Secret: 1\r\nConnection: close, X-Secret, Host, X-Forwarded-For\r\n\r\n",
    );
    assert.match(await answer, /^HTTP\/1\.1 200/);
    const names = seen.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    assert.ok(!names.includes("x-secret"));
    assert.ok(names.includes("host") && names.includes("x-forwarded-for"));
  });

  it("cannot pretend to be Skiff's own", async () => {
    const fields = await sent("X-Skiff-Probe: 1\r\nx-skiff-call-id: forged\r\nX-SKIFF-Anything: 1\r\n");
    assert.notEqual(fields["x-skiff-call-id"], "forged");
    assert.deepEqual(
      Object.keys(fields).filter((name) => name.startsWith("x-skiff-")),
      ["x-skiff-call-id"],
    );
  });
});

describe("the header fields of a response", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.close());

  it("come as the function set them, repeated ones repeated", async () => {
    await harness.serve((_, response) => {
      response.writeHead(200, [
        ...["Set-Cookie", "a=1", "set-cookie", "b=2", "Link", "<a>", "Link", "<b>"],
        ...["Content-Encoding", "br", "Date", "Thu, 01 Jan 1970 00:00:00 GMT"],
      ]);
      response.end("not really br");
    });
    const { headers, rawHeaders, body } = await send(`${harness.url}/fn/echo`);
    assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(headers.link, "<a>, <b>");
    assert.equal(headers["content-encoding"], "br");
    assert.equal(headers.date, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert.equal(rawHeaders.filter((name) => name.toLowerCase() === "set-cookie").length, 2);
    assert.equal(body, "not really br");
  });

  it("lose what was meant for the router alone", async () => {
    await harness.serve((_, response) => {
      response.writeHead(200, {
        Connection: "keep-alive, X-Hop",
        "Keep-Alive": "timeout=99",
        "X-Hop": "1",
        "Proxy-Authenticate": "Basic",
        "Proxy-Connection": "keep-alive",
      });
      response.end("x");
    });
    const { headers } = await send(`${harness.url}/fn/echo`);
    for (const name of ["x-hop", "proxy-authenticate", "proxy-connection"])
      assert.equal(headers[name], undefined, name);
    assert.ok(!headers["keep-alive"]?.includes("99"));
  });

  it("says that Skiff answered for a function that threw, and of no other status", async () => {
    let status = 500;
    await harness.serve((_, response) => {
      response.writeHead(status, { "x-skiff-error": "platform", "x-skiff-other": "1" }).end();
    });
    const first = await send(`${harness.url}/fn/echo`);
    assert.deepEqual(
      [first.headers["x-skiff-error"], first.headers["x-skiff-other"]],
      ["platform", undefined],
    );
    status = 503;
    assert.equal((await send(`${harness.url}/fn/echo`)).headers["x-skiff-error"], undefined);
  });

  it("cannot claim to come from Skiff, before the body, after it or early", async () => {
    const { server } = new RawInstance((socket) => {
      const claims = "X-Skiff-Error: platform\r\nx-skiff-call-id: forged\r\nx-skiff-other: 1\r\nx-own: 1\r\n";
      socket.write(`HTTP/1.1 103 Early Hints\r\n${claims}\r\n`);
      socket.write(`HTTP/1.1 200 OK\r\n${claims}transfer-encoding: chunked\r\n\r\n0\r\n${claims}\r\n`);
    });
    await harness.publish("echo", [await harness.listen(server)]);
    const answer = await raw(
      harness.port,
      "GET /fn/echo/bad HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    assert.equal(answer.match(/\r\nx-own: 1\r\n/g)?.length, 3, answer);
    assert.deepEqual(answer.match(/x-skiff-[^:]+/gi), ["x-skiff-call-id"]);
    assert.doesNotMatch(answer, /forged/);
  });

  it("may come after the body, whether that is a stream or not", async () => {
    for (const parts of [["all"], ["first", "second"]]) {
      await harness.serve((_, response) => {
        response.writeHead(200, { trailer: "x-sum" });
        for (const part of parts) response.write(part);
        response.addTrailers({ "x-sum": "1" });
        response.end();
      });
      const answer = await raw(harness.port, "GET /fn/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      assert.match(answer, /\r\n0\r\nx-sum: 1\r\n\r\n$/);
      // Where it is cut into chunks is not promised.
      const chunks = answer.matchAll(/\r\n[1-9a-f]+\r\n(\w+)/g);
      assert.equal([...chunks].map(([, text]) => text).join(""), parts.join(""), answer);
    }
  });

  it("may be larger than node's usual limit, up to the limit of header blocks", async () => {
    await harness.serve((_, response) => response.setHeader("x-large", "x".repeat(30_000)).end("x"));
    assert.equal(
      (await send(`${harness.url}/fn/echo`, { maxHeaderSize: 65_536 })).headers["x-large"]?.length,
      30_000,
    );
  });

  it("are refused with 502 when they are over that limit, which is named", async () => {
    await harness.serve((_, response) => response.setHeader("x-large", "x".repeat(40_000)).end("x"));
    const answer = await send(`${harness.url}/fn/echo`);
    assert.equal(answer.status, 502);
    assert.match(JSON.parse(answer.body).detail, /32 KiB \(SKIFF_MAX_HEADERS\)/);
  });
});
