import assert from "node:assert/strict";
import { once } from "node:events";
import { eventually } from "../support/eventually.ts";
import { call, callFor } from "../support/instances/call-instance.ts";
import { closeOf, nextMessage, openSocket } from "../support/instances/instance-socket.ts";
import { nodeProgram } from "../support/instances/node-program.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("a server of node:http in a function", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  for (const [args, address] of Object.entries({
    "3000": { address: "0.0.0.0", family: "IPv4", port: 3000 },
    "0": { address: "0.0.0.0", family: "IPv4", port: 8000 },
    "8080, '127.0.0.1', 5": { address: "127.0.0.1", family: "IPv4", port: 8080 },
    "{ port: 80, host: '::' }": { address: "::", family: "IPv6", port: 80 },
    "'/run/app.sock'": { address: "0.0.0.0", family: "IPv4", port: 8000 },
  })) {
    it(`is served, whatever address it listens on: ${args}`, async () => {
      const { address: instance } = await local.run(`
        import http from "node:http";
        const seen = [];
        const server = http.createServer((request, response) => {
          response.end(JSON.stringify([request.url, seen, server.listening, server.address()]));
        });
        server.on("listening", () => seen.push("event"));
        server.listen(${args}, () => seen.push("callback"));`);
      const { text } = await call(instance, { path: "/a?b=1" });
      assert.deepEqual(JSON.parse(text), ["/a?b=1", ["event", "callback"], true, address]);
    });
  }

  it("gets the request as Node shows it", async () => {
    const { address } = await local.run(`
      import { createServer } from "node:http";
      createServer((request, response) => {
        const { method, url, httpVersion, headers, rawHeaders, socket } = request;
        let body = "";
        request.setEncoding("utf8").on("data", (part) => { body += part; }).on("end", () => {
          response.writeHead(201, "Made", { "x-made": "yes", "set-cookie": ["a=1", "b=2"] });
          const own = rawHeaders[rawHeaders.indexOf("x-own") + 1];
          response.end(JSON.stringify([method, url, httpVersion, headers["x-own"], own, socket.remoteAddress, body]));
        });
      }).listen();`);
    const headers = { "x-own": "1", "x-forwarded-for": "198.51.100.7" };
    const body = "a".repeat(200_000);
    const answer = await call(address, { method: "POST", path: "/p", headers, body });
    assert.deepEqual(JSON.parse(answer.text), ["POST", "/p", "1.1", "1", "1", "198.51.100.7", body]);
    assert.deepEqual([answer.status, answer.headers["x-made"]], [201, "yes"]);
    assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
  });

  it("streams its response, and stops when the client takes no more", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      let sent = 0;
      http.createServer((request, response) => {
        if (request.url === "/sent") return response.end(String(sent));
        response.on("close", () => console.log("closed", response.writableFinished));
        response.setHeader("transfer-encoding", "chunked");
        const more = () => { while (response.write(Buffer.alloc(65_536))) sent++; };
        response.on("drain", more);
        more();
      }).listen(1);`);
    const response = await callFor(address);
    await once(response, "readable");
    const sent = async () => Number((await call(address, { path: "/sent" })).text);
    let before = -1;
    await eventually("it waits for the client", async () => {
      const now = await sent();
      const isSame = now === before;
      before = now;
      return isSame && now < 1_000;
    });
    response.destroy();
    await local.logged("closed false");
  });

  it("sends the parts of a response as they are written", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      let finish;
      http.createServer((request, response) => {
        if (request.url === "/finish") { finish(); return response.end(); }
        response.write("first");
        finish = () => response.end("last");
      }).listen(1);`);
    const response = await callFor(address);
    response.setEncoding("utf8");
    const [first] = await once(response, "data");
    await call(address, { path: "/finish" });
    const [last] = await once(response, "data");
    assert.deepEqual([first, last], ["first", "last"]);
  });

  it("answers statuses and methods that have no body", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      http.createServer((request, response) => {
        response.statusCode = Number(request.url.slice(1));
        response.setHeader("etag", '"1"');
        response.end("hidden");
      }).listen(1);`);
    for (const [path, method, status] of [
      ["/204", "GET", 204],
      ["/304", "GET", 304],
      ["/200", "HEAD", 200],
    ] as const) {
      const answer = await call(address, { path, method });
      assert.deepEqual([answer.status, answer.text, answer.headers.etag], [status, "", '"1"']);
    }
  });

  it("closes its response when the client leaves before the answer, which is no error", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      http.createServer((request, response) => {
        if (request.url === "/next") return response.end("next");
        request.on("error", () => {});
        response.on("close", () => console.log("nobody waits", response.writableFinished));
        console.log("called");
      }).listen(1);`);
    const leaving = new AbortController();
    const gone = assert.rejects(callFor(address, { path: "/gone", signal: leaving.signal }));
    await local.logged("called");
    leaving.abort();
    await gone;
    await local.logged("nobody waits false");
    assert.equal((await call(address, { path: "/next" })).text, "next");
    assert.doesNotMatch(local.log, /call .*failed: Error: the program closed/);
  });

  it("sends its head early on request, and nothing of informational responses", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      http.createServer((request, response) => {
        response.writeEarlyHints({ link: "</a>; rel=preload" });
        response.writeContinue();
        response.setHeader("content-type", "text/event-stream");
        response.flushHeaders();
        request.on("close", () => {});
        setTimeout(() => response.end("data: 1"), 50);
      }).listen(1);`);
    const answer = await call(address);
    assert.deepEqual([answer.headers["content-type"], answer.text], ["text/event-stream", "data: 1"]);
  });

  it("ends the instance after its calls when it is closed, and its callback is called", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      const server = http.createServer((_, response) => {
        server.close(() => console.log("the server is closed"));
        setTimeout(() => response.end("last"), 20);
      }).listen(1);`);
    assert.equal((await call(address)).text, "last");
    await local.logged("the server is closed");
  });

  it("makes a 500 of an error that it throws, or of a connection that it closes", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      http.createServer((request, response) => {
        if (request.url === "/throw") throw new Error("no answer to that");
        response.destroy();
      }).listen(1);`);
    assert.equal((await call(address, { path: "/throw" })).status, 500);
    await local.logged("no answer to that");
    assert.equal((await call(address, { path: "/close" })).status, 500);
    await local.logged("the program closed the connection");
  });

  it("is the only one: another fails to listen, with an error that says so", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      const errors = [];
      http.createServer((_, response) => response.end(errors.join())).listen(1);
      http.createServer().on("error", ({ code, message }) => errors.push(code, message)).listen(2);
      try { Deno.serve(() => new Response("no")); } catch ({ message }) { errors.push(message); }`);
    const { text } = await call(address);
    assert.match(
      text,
      /A function has one server: Deno\.serve was called already, or a server of Node listens/,
    );
    assert.match(text, /EADDRINUSE,A function has one server: it calls listen, or Deno\.serve, twice/);
  });

  it("serves applications of Koa", async () => {
    const { address } = await local.run(
      await nodeProgram(`
        import Koa from "koa";
        const app = new Koa();
        app.use(async (context) => { context.body = { path: context.path, method: context.method }; });
        app.listen(3000);`),
    );
    assert.equal((await call(address, { path: "/books" })).text, `{"path":"/books","method":"GET"}`);
  });

  it("carries WebSockets of ws both ways, in text and in bytes, until either side closes them", async () => {
    const { address } = await local.run(
      await nodeProgram(`
        import http from "node:http";
        import { WebSocketServer } from "ws";
        const server = http.createServer((_, response) => response.end("plain"));
        const sockets = new WebSocketServer({ server });
        sockets.on("connection", (socket) => {
          socket.on("message", (data, isBinary) =>
            String(data) === "leave" ? socket.close(3001, "bye") : socket.send(data, { binary: isBinary }));
          socket.on("close", (code) => console.log("closed with", code));
        });
        server.listen(3000);`),
    );
    assert.equal((await call(address)).text, "plain");
    const socket = await openSocket(address);
    socket.binaryType = "arraybuffer";
    const reply = (message: string | Uint8Array) => {
      const next = nextMessage(socket);
      socket.send(message as string);
      return next;
    };
    assert.equal(await reply("hü"), "hü");
    for (const length of [0, 125, 126, 65_535, 65_536, 300_000]) {
      const bytes = new Uint8Array(length).fill(7);
      assert.deepEqual(new Uint8Array((await reply(bytes)) as ArrayBuffer), bytes);
    }
    const closed = closeOf(socket);
    socket.send("leave");
    const { code, reason } = await closed;
    assert.deepEqual([code, reason], [3001, "bye"]);
    await local.logged("closed with 3001");
    const second = await openSocket(address);
    second.close(1000);
    await local.logged("closed with 1000");
  });

  it("may refuse a WebSocket", async () => {
    const { address } = await local.run(`
      import http from "node:http";
      const server = http.createServer();
      server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 401 Unauthorized\\r\\nx-why: key\\r\\n\\r\\nno key"));
      server.listen(3000);`);
    const headers = { connection: "Upgrade", upgrade: "websocket" };
    const answer = await call(address, { headers });
    assert.deepEqual([answer.status, answer.headers["x-why"], answer.text], [401, "key", "no key"]);
  });
});

describe("an application for Node as default export", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const applications: Record<string, string> = {
    "a function with handle and listen, as of Express": `
      const app = (request, response) => app.handle(request, response);
      app.handle = (request, response) => response.end("hi " + request.url);
      export default Object.assign(app, { listen() {}, use() {} });`,
    "an application of Koa": `
      import Koa from "koa";
      const app = new Koa();
      app.use((context) => { context.body = "hi " + context.url; });
      export default app;`,
    "a server": `
      import http from "node:http";
      export default http.createServer((request, response) => response.end("hi " + request.url));`,
  };
  for (const [what, code] of Object.entries(applications)) {
    it(`serves when it is ${what}`, async () => {
      const { address } = await local.run(await nodeProgram(code));
      assert.equal((await call(address, { path: "/a?b" })).text, "hi /a?b");
    });
  }
});
