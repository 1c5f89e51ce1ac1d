import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { passOn } from "../../../http/programs/pass-on.ts";

const SILENCE_MS = 200;

describe("a request that is passed on to the management API", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const listen = async (listener: RequestListener) => {
    const server = createServer(listener).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  /** The URL of a server that passes everything on to this port. */
  const front = async (port: number) => {
    const to = { host: "127.0.0.1", port, timeout: SILENCE_MS };
    const own = await listen(passOn({ to, field: () => ["x-forwarded-for", "192.0.2.1"] }));
    return `http://127.0.0.1:${own}`;
  };
  const codeOf = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
    response.headers.get("retry-after"),
  ];

  it("has the field of the program, and not the one that the client sent", async () => {
    const url = await front(
      await listen((request, response) => response.end(JSON.stringify(request.headersDistinct))),
    );
    const response = await fetch(url, { headers: { "x-forwarded-for": "10.0.0.1", "x-other": "kept" } });
    const headers = (await response.json()) as Record<string, string[]>;
    assert.deepEqual([headers["x-forwarded-for"], headers["x-other"]], [["192.0.2.1"], ["kept"]]);
  });

  it("is answered with the trailers of the response", async () => {
    const url = await front(
      await listen((_, response) => {
        response.writeHead(200, { trailer: "skiff-exit-code" });
        response.addTrailers({ "skiff-exit-code": "7" });
        response.end("done");
      }),
    );
    const [response] = (await once(get(url), "response")) as [IncomingMessage];
    assert.equal(await text(response), "done");
    assert.deepEqual(response.trailers, { "skiff-exit-code": "7" });
  });

  it("is answered without trailers where there can be none", async () => {
    const port = await listen((_, response) => {
      response.writeHead(200, { trailer: "skiff-exit-code" });
      response.addTrailers({ "skiff-exit-code": "7" });
      response.end("done");
    });
    const { hostname, port: own } = new URL(await front(port));
    const socket = connect(Number(own), hostname);
    socket.write("GET / HTTP/1.0\r\nhost: localhost\r\n\r\n");
    const [head, rest] = (await text(socket)).split("\r\n\r\n");
    assert.match(head!, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(head!, /trailer/i);
    assert.equal(rest, "done");
  });

  it("is refused with 503 where nobody listens", async () => {
    const port = await listen(() => {});
    await new Promise((resolve) => servers.pop()!.close(resolve));
    assert.deepEqual(await codeOf(await fetch(await front(port))), [503, "not_ready", "1"]);
  });

  it("is refused with 503 when nothing comes back in time", async () => {
    const url = await front(await listen(() => {}));
    assert.deepEqual(await codeOf(await fetch(url)), [503, "not_ready", "1"]);
  });

  it("is broken off when the response stops in the middle", async () => {
    const url = await front(
      await listen((_, response) => {
        response.writeHead(200, { "content-length": 10 });
        response.write("half");
      }),
    );
    const response = await fetch(url);
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
  });

  it("ends at the manager when the client leaves", async () => {
    const left = Promise.withResolvers<void>();
    const url = await front(
      await listen((_, response) => {
        response.writeHead(200).write("first");
        response.once("close", () => left.resolve());
      }),
    );
    const leaving = new AbortController();
    const response = await fetch(url, { signal: leaving.signal });
    leaving.abort();
    await assert.rejects(response.text());
    await left.promise;
  });
});
