import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { HttpDate } from "../../../http/http-date.ts";
import { LingeringCloses } from "../../../http/lingering-close.ts";
import {
  PlainConnections,
  type PlainConnectionsOptions,
} from "../../../router/fast-path/plain-connections.ts";
import type { Router } from "../../../router/router.ts";
import { CallServer } from "../../../router/server/call-server.ts";
import { nodeInput } from "../../../router/server/node-calls.ts";
import { routerServerOptions } from "../../../router/server/server-options.ts";
import { Harness, raw, send, textOf, until } from "../support/harness.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { RawInstance } from "../support/raw-instance.ts";

const get = (path: string, ...fields: string[]) =>
  `${[`GET ${path} HTTP/1.1`, "Host: h", ...fields].join("\r\n")}\r\n\r\n`;

/** A listener that leaves every request to Node's server. */
function nodesOwn(router: Router): http.RequestListener {
  return (request, response) => {
    const { ingress } = router;
    router.take(nodeInput(request, response, { ingress, expectsContinue: false }));
  };
}

const FIELDS = "Host: h\r\nx-a: some\r\n";
const PIECES: Readonly<Record<string, string>> = {
  "a head": `GET /fn/echo/a?b HTTP/1.1\r\n${FIELDS}\r\n`,
  "a body with a length": `POST /fn/echo/a?b HTTP/1.1\r\n${FIELDS}Content-Length: 5\r\n\r\nhello`,
  "a body in chunks": `POST /fn/echo/a?b HTTP/1.1\r\n${FIELDS}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a="b"\r\nllo\r\n0\r\nx-b: c\r\n\r\n`,
};

/** A server whose connections go nowhere but to `handOver`. */
function plainServer(router: Router, handOver: (socket: net.Socket) => void): net.Server {
  const connections = new PlainConnections({
    headBytes: 1_000,
    lingering: new LingeringCloses(),
    date: new HttpDate(),
    onIncomplete: (_, socket) => socket.destroy(),
    headersMs: 60_000,
    keepAliveMs: 60_000,
    checkMs: 60_000,
    router,
    handOver,
  });
  return net.createServer({ allowHalfOpen: true }, (socket) => connections.take(socket));
}

describe("a connection with plain requests", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  const closing: net.Server[] = [];
  afterEach(async () => {
    for (const server of closing.splice(0)) {
      if (server instanceof http.Server) server.closeAllConnections();
      server.close();
    }
    await harness.close();
  });

  /** Listens beside the harness's own server; ends with the harness. */
  async function portOf(server: net.Server): Promise<number> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(server);
    return (server.address() as net.AddressInfo).port;
  }

  describe("gets the bytes that node's server would send", () => {
    const answers: readonly (readonly [title: string, bytes: string])[] = [
      ["a body with a length", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Own: yes\r\n\r\nhi"],
      ["no body", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
      ["a body in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"],
      ["no chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
      ["trailers", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-late: 1\r\n\r\n"],
      ["a large body", `HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n${"x".repeat(300_000)}`],
      ["a body beyond ASCII", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-own: \xe9\r\n\r\n\xe9\x80\xff"],
      ["a date of its own", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: yesterday\r\n\r\n"],
      ["two cookies", "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n"],
      ["204", "HTTP/1.1 204 No Content\r\n\r\n"],
      ["205", "HTTP/1.1 205 Reset Content\r\n\r\n"],
      ["304 with a length", 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 5\r\n\r\n'],
      ["a status that nobody knows", "HTTP/1.1 299 Fine\r\ncontent-length: 0\r\n\r\n"],
      [
        "early hints",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
      ],
      ["what is no response", "hello\r\n\r\n"],
    ];

    /** The answer without what is another one each time. */
    async function answer(port: number, text: string): Promise<string> {
      const bytes = await raw(port, text);
      return bytes.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID").replace(/Date: .*GMT/, "Date: NOW");
    }

    async function compare(text: string): Promise<string> {
      const { router, limits } = harness;
      const node = await portOf(http.createServer(routerServerOptions(limits), nodesOwn(router)));
      const nodes = await answer(node, text);
      // A head that an instance sends again is kept as it goes on.
      for (const time of ["first", "second", "third"])
        assert.equal(await answer(harness.port, text), nodes, time);
      return nodes;
    }

    for (const [title, bytes] of answers) {
      it(`for ${title}`, async () => {
        const instance = new RawInstance((socket) => socket.write(bytes, "latin1"));
        await harness.publish("echo", [await harness.listen(instance.server)]);
        assert.match(await compare(get("/fn/echo/bad", "Connection: close")), /^HTTP\/1\.1 \d{3} /);
      });
    }

    it("for HEAD, with and without a length", async () => {
      await harness.serve((request, response) => {
        if (request.url === "/length") response.setHeader("content-length", 5);
        response.end();
      });
      for (const path of ["length", "none"]) {
        const text = `HEAD /fn/echo/${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
        assert.match(await compare(text), /^HTTP\/1\.1 200 /);
      }
    });

    it("for what the router refuses", async () => {
      assert.match(await compare(get("/fn/none", "Connection: close")), /^HTTP\/1\.1 404 /);
      const head = "HEAD /fn/none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      assert.match(await compare(head), /^HTTP\/1\.1 404 /);
    });

    it("on a connection that is kept, too", async () => {
      await harness.serve((_, response) => response.end("hi"));
      const { router, limits } = harness;
      const node = await portOf(http.createServer(routerServerOptions(limits), nodesOwn(router)));
      const heads = [harness.port, node].map(async (port) => {
        const text = await raw(port, get("/fn/echo"), (part) => part.endsWith("hi"));
        return text.replace(/x-skiff-call-id: .*|[Dd]ate: .*/g, "");
      });
      const [own, nodes] = await Promise.all(heads);
      assert.match(own!, /Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n/);
      assert.equal(own, nodes);
    });
  });

  describe("that sends the same head again and again", () => {
    /** What the instance got of each, and what was another one each time. */
    async function passedOn(text: string): Promise<{ same: string[]; ids: string[]; traces: string[] }> {
      const heads: string[][] = [];
      await harness.serve((request, response) => {
        heads.push(request.rawHeaders);
        response.end(request.url);
      });
      const connection = new RawConnection(harness.port);
      for (let count = 1; count <= 3; count++) {
        connection.write(text);
        await connection.answered(count);
      }
      connection.destroy();
      const values = (name: string) => heads.flatMap((all) => all.filter((_, i) => all[i - 1] === name));
      const ids = values("x-skiff-call-id");
      assert.deepEqual(connection.text.match(/(?<=x-skiff-call-id: ).*/g), ids);
      const own = new Set([...ids, ...values("traceparent")]);
      const same = heads.map((all) => all.map((each) => (own.has(each) ? "OWN" : each)).join("\n"));
      return { same, ids, traces: values("traceparent") };
    }

    it("makes calls with ids and traces of their own", async () => {
      const { same, ids, traces } = await passedOn(get("/fn/echo/a?b", "x-a: some", "Forwarded: for=h"));
      assert.equal(new Set(ids).size, 3);
      assert.equal(new Set(traces).size, 3);
      assert.deepEqual(same, [same[0], same[0], same[0]]);
    });

    it("goes on with the trace that it sends", async () => {
      const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const fields = [`traceparent: ${trace}`, "tracestate: a=1"];
      const { same, ids, traces } = await passedOn(get("/fn/echo", ...fields));
      assert.equal(new Set(ids).size, 3);
      assert.deepEqual(traces, [trace, trace, trace]);
      assert.match(same[2]!, /\ntracestate\na=1/);
      assert.deepEqual(same, [same[0], same[0], same[0]]);
    });
  });

  for (const earlier of [0, 2]) {
    for (const [what, text] of Object.entries(PIECES)) {
      it(`reads ${what} wherever it is cut in two, after ${earlier} calls`, async () => {
        const seen: string[][] = [];
        await harness.serve(async (request, response) => {
          const { rawHeaders, method } = request;
          const field = rawHeaders.filter((_, i) => rawHeaders[i - (i % 2)] === "x-a");
          seen.push([method!, ...field, await textOf(request)]);
          response.end(request.url);
        });
        const expected = text.startsWith("GET")
          ? ["GET", "x-a", "some", ""]
          : ["POST", "x-a", "some", "hello"];
        const handed: net.Socket[] = [];
        const port = await portOf(plainServer(harness.router, (socket) => handed.push(socket)));
        const answers = new Array(earlier + 2).fill("200");
        for (let cut = 1; cut < text.length; cut++) {
          const connection = new RawConnection(port);
          for (let count = 1; count <= earlier; count++) {
            connection.write(text);
            await connection.answered(count);
          }
          connection.write(text.slice(0, cut));
          // What was sent before has arrived then.
          await send(`http://127.0.0.1:${port}/fn/none`);
          connection.write(text.slice(cut) + text);
          await connection.answered(earlier + 2);
          assert.deepEqual(connection.answers(), answers, `cut at ${cut}`);
          connection.destroy();
        }
        assert.equal(seen.length, answers.length * (text.length - 1));
        for (const each of seen) assert.deepEqual(each, expected);
        assert.deepEqual(handed, []);
      });
    }
  }

  it("reads a body that is larger than a read, and answers those after it as well", async () => {
    await harness.serve((request, response) => {
      let length = 0;
      request.on("data", (chunk) => (length += chunk.length));
      request.on("end", () => response.end(`${request.method} ${length}`));
    });
    const connection = new RawConnection(harness.port);
    const large = 200_000;
    for (const text of [
      get("/fn/echo"),
      get("/fn/echo"),
      `POST /fn/echo HTTP/1.1\r\nHost: h\r\nContent-Length: ${large}\r\n\r\n${"x".repeat(large)}`,
      get("/fn/echo"),
    ]) {
      const before = connection.answers().length;
      connection.write(text);
      await connection.answered(before + 1);
    }
    assert.deepEqual(connection.answers(), ["200", "200", "200", "200"]);
    assert.match(connection.text, /GET 0[\s\S]*GET 0[\s\S]*POST 200000[\s\S]*GET 0$/);
    connection.destroy();
  });

  describe("goes over to node's server", () => {
    it("with a WebSocket", async () => {
      const server = http.createServer((_, response) => response.end("plain"));
      server.on("upgrade", (_, socket) => {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nopen",
        );
        socket.pipe(socket);
      });
      await harness.publish("echo", [await harness.listen(server)]);
      const socket = net.connect(harness.port, "127.0.0.1").setEncoding("latin1");
      let text = "";
      socket.on("data", (chunk) => (text += chunk)).on("error", () => {});
      socket.write(get("/fn/echo"));
      await until(() => text.endsWith("plain"), "the first answer");
      socket.write(get("/fn/echo", "Connection: Upgrade", "Upgrade: websocket"));
      await until(() => text.endsWith("open"), "the handshake");
      assert.match(text, /HTTP\/1\.1 101 /);
      // More than is read at once, so that it is held up as well.
      const sent = "0123456789".repeat(100_000);
      socket.write(sent);
      await until(() => text.endsWith(`open${sent}`), "all that was sent comes back");
      socket.destroy();
      await harness.idle();
    });

    it("with what is no request, which is refused after the answers that are due", async () => {
      const { promise: go, resolve } = Promise.withResolvers<void>();
      let calls = 0;
      await harness.serve(async (_, response) => {
        calls++;
        await go;
        response.end("ok");
      });
      const connection = new RawConnection(harness.port);
      connection.write(get("/fn/echo"));
      await until(() => calls === 1, "the call is there");
      connection.write("BREW / HTTP/1.1\r\n\r\n");
      resolve();
      await connection.closed();
      assert.deepEqual(connection.answers(), ["200", "400 invalid_request"]);
    });
  });

  for (const earlier of [0, 2]) {
    it(`has a request answered after the one before it, however much comes meanwhile, after ${earlier} calls`, async () => {
      const paths: string[] = [];
      const waiting: (() => void)[] = [];
      await harness.serve((request, response) => {
        if (request.url === "/now") {
          response.end();
          return;
        }
        paths.push(request.url!);
        waiting.push(() => response.end(request.url));
      });
      const connection = new RawConnection(harness.port);
      for (let count = 1; count <= earlier; count++) {
        connection.write(get("/fn/echo/now"));
        await connection.answered(count);
      }
      connection.write(get("/fn/echo/0"));
      await until(() => waiting.length === 1, "the first call is there");
      for (let i = 1; i <= 50; i++) connection.write(get(`/fn/echo/${i}`, `X-Large: ${"x".repeat(2_000)}`));
      for (let i = 0; i <= 50; i++) {
        await until(() => waiting.length > i, `call ${i} is there`);
        waiting[i]!();
      }
      await connection.answered(earlier + 51);
      assert.deepEqual(connection.answers(), new Array(earlier + 51).fill("200"));
      assert.deepEqual(
        paths,
        Array.from({ length: 51 }, (_, i) => `/${i}`),
      );
      connection.destroy();
    });
  }

  it("is one of its server's until it is closed, however many calls come on it", async () => {
    await harness.serve((_, response) => response.end("hi"));
    const server = new CallServer({ router: harness.router, limits: harness.limits });
    const port = await portOf(server);
    const count = () =>
      new Promise<number>((resolve, reject) =>
        server.getConnections((error, number) => (error ? reject(error) : resolve(number))),
      );
    for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
      const socket = net.connect(port, "127.0.0.1").setEncoding("latin1");
      let text = "";
      socket.on("data", (chunk) => (text += chunk)).on("error", () => {});
      for (let calls = 1; calls <= 3; calls++) {
        socket.write(get("/fn/echo"));
        await until(
          () => text.match(/HTTP\/1\.1 200 /g)?.length === calls && text.endsWith("hi"),
          "the answer",
        );
        assert.equal(await count(), 1);
      }
      socket[leave]();
      await until(async () => (await count()) === 0, `it is closed after ${leave}`);
    }
    const closed = once(server, "close");
    server.close();
    await closed;
  });

  for (const earlier of [0, 2]) {
    it(`lets go of the call when its client ends or breaks off its side, after ${earlier} calls`, async () => {
      let open = 0;
      await harness.serve((request, response) => {
        if (request.url === "/now") {
          response.end("now");
          return;
        }
        open++;
        response.on("close", () => open--);
      });
      for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
        const socket = net.connect(harness.port, "127.0.0.1").setEncoding("latin1");
        let answers = 0;
        socket.on("data", (text: string) => (answers += text.endsWith("now") ? 1 : 0)).on("error", () => {});
        for (let count = 1; count <= earlier; count++) {
          socket.write(get("/fn/echo/now"));
          await until(() => answers === count, "the answer");
        }
        socket.write(get("/fn/echo"));
        await until(() => open === 1, "the call is there");
        socket.write(get("/fn/echo"));
        socket[leave]();
        await until(() => open === 0, `the call is let go after ${leave}`);
        await harness.idle();
      }
      await until(async () => (await harness.connections()) === 0, "all connections let go");
      assert.equal(harness.stats().abandoned, 3);
    });
  }

  it("is closed between two requests when the server closes, but not before its answer", async () => {
    const waiting: http.ServerResponse[] = [];
    await harness.serve((request, response) => {
      if (request.url === "/now") response.end("now");
      else waiting.push(response);
    });
    const server = new CallServer({ router: harness.router, limits: harness.limits });
    const port = await portOf(server);
    const [idle, busy] = [new RawConnection(port), new RawConnection(port)];
    idle.write(get("/fn/echo/now"));
    await idle.answered(1);
    busy.write(get("/fn/echo/later"));
    await until(() => waiting.length === 1, "the call is there");
    server.close();
    await idle.closed();
    assert.equal(busy.isClosed, false);
    waiting[0]!.end("later");
    await busy.answered(1);
    assert.deepEqual(busy.answers(), ["200"]);
    server.closeAllConnections();
    await busy.closed();
  });

  it("is told to come back elsewhere when clients are to leave", async () => {
    await harness.serve((_, response) => response.end("hi"));
    harness.router.isLeaving = true;
    const port = await portOf(new CallServer({ router: harness.router, limits: harness.limits }));
    const connection = new RawConnection(port);
    connection.write(get("/fn/echo"));
    await connection.closed();
    assert.match(connection.text, /\r\nConnection: close\r\n/);
    assert.deepEqual(connection.answers(), ["200"]);
  });

  describe("and none of it for a while", () => {
    const handed: net.Socket[] = [];
    const refused: string[] = [];
    let handedText = "";
    async function listen(options: Partial<PlainConnectionsOptions>): Promise<number> {
      const connections = new PlainConnections({
        headBytes: 1_000,
        lingering: new LingeringCloses(),
        date: new HttpDate(),
        onIncomplete: (reason, socket) => {
          refused.push(reason);
          socket.destroy();
        },
        headersMs: 20,
        keepAliveMs: 0,
        checkMs: 5,
        router: {
          ingress: { proxies: undefined, hosts: { byName: new Map(), revision: 0 } },
          take: ({ response }) => {
            response.writeHead({ status: 204, headers: [] }, []);
            response.end();
          },
        },
        handOver: (socket) => {
          handed.push(socket.on("error", () => {}));
          socket.on("data", (chunk) => (handedText += chunk));
        },
        ...options,
      });
      const server = net.createServer({ allowHalfOpen: true }, (socket) => connections.take(socket));
      return portOf(server);
    }
    afterEach(() => {
      for (const socket of handed.splice(0)) socket.destroy();
      refused.length = 0;
      handedText = "";
    });

    it("is closed after the time that its client was told, and a little", async () => {
      const connection = new RawConnection(await listen({}));
      connection.write(get("/fn/echo"));
      await connection.answered(1);
      assert.match(connection.text, /\r\nKeep-Alive: timeout=0\r\n/);
      await connection.closed();
      assert.deepEqual(handed, []);
    });

    it("is refused when no byte comes", async () => {
      const connection = new RawConnection(await listen({ keepAliveMs: 60_000 }));
      await connection.closed();
      assert.deepEqual(refused, ["late"]);
      assert.deepEqual(handed, []);
    });

    for (const earlier of [0, 1]) {
      it(`is node's, which limits it, when the rest of a head is late, after ${earlier} calls`, async () => {
        const connection = new RawConnection(await listen({ keepAliveMs: 60_000 }));
        if (earlier > 0) connection.write(get("/fn/echo"));
        await connection.answered(earlier);
        connection.write("GET /fn");
        await until(() => handed.length === 1, "it is handed over");
        await until(() => handedText === "GET /fn", "with what has arrived");
        assert.deepEqual(refused, []);
        connection.destroy();
      });
    }
  });
});
