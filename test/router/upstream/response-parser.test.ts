import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { HeadTooLarge, MalformedResponse, ResponseCut } from "../../../router/upstream/response-fields.ts";
import type { UpstreamHead } from "../../../router/upstream/response-head.ts";
import { ResponseParser } from "../../../router/upstream/response-parser.ts";

const HEADER_BYTES = 1_000;

interface Read {
  status: number;
  headers: string[];
  body: string;
  trailers: string[];
  announced: number[];
  /** Undefined as long as the response has not ended. */
  keepsAlive: boolean | undefined;
}

interface Exchange {
  readonly bytes: string;
  readonly method?: string;
  /** Where the bytes are cut into reads. */
  readonly cuts?: readonly number[];
  readonly closes?: boolean;
}

/** Reads one response with the router's parser, through one buffer that every read overwrites. */
function parse({ bytes, method = "GET", cuts = [], closes = false }: Exchange): Read {
  const read: Read = { status: 0, headers: [], body: "", trailers: [], announced: [], keepsAlive: undefined };
  const parser = new ResponseParser(HEADER_BYTES, (keepsAlive) => (read.keepsAlive = keepsAlive));
  const sink = {
    onInformation({ status }: UpstreamHead) {
      assert.ok(status < 200);
      read.announced.push(status);
    },
    onHead({ status, headers }: UpstreamHead) {
      assert.equal(read.status, 0, "one head");
      read.status = status;
      read.headers = [...headers];
    },
    onData(part: Buffer) {
      read.body += part.toString("latin1");
    },
    onEnd(trailers: readonly string[]) {
      assert.notEqual(read.keepsAlive, undefined, "the connection knows first");
      read.trailers = [...trailers];
    },
  };
  parser.begin(sink, method === "HEAD", false);
  const buffer = Buffer.alloc(64 * 1024);
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    buffer.fill("\n");
    parser.execute(buffer, buffer.write(bytes.slice(start, end), "latin1"));
    start = end;
  }
  if (closes) parser.finish();
  return read;
}

/** Reads the same with node's client. */
async function parseWithNode({ bytes, method = "GET" }: Exchange): Promise<Omit<Read, "keepsAlive">> {
  const server = net.createServer((socket) => socket.end(bytes, "latin1")).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as net.AddressInfo;
    const request = http.request({ method, port, host: "127.0.0.1", agent: false }).end();
    const announced: number[] = [];
    request.on("information", ({ statusCode }) => announced.push(statusCode));
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let body = "";
    response.setEncoding("latin1");
    for await (const part of response) body += part;
    const { statusCode: status = 0, rawHeaders, rawTrailers } = response;
    return { status, headers: lowerNames(rawHeaders), body, trailers: lowerNames(rawTrailers), announced };
  } finally {
    server.close();
  }
}

function lowerNames(fields: readonly string[]): string[] {
  const hidden = ["connection", "transfer-encoding", "keep-alive", "trailer"];
  const pairs = fields.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), fields[i + 1]!]] : []));
  return pairs.filter(([name]) => !hidden.includes(name!)).flat();
}

function head(...fields: string[]): string {
  return `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
}

const CHUNKED = head("Transfer-Encoding: chunked");

const VALID: Record<string, Exchange> = {
  "with a length": { bytes: `${head("Content-Type: text/plain", "Content-Length: 5")}hello` },
  "with a length of zero": { bytes: head("Content-Length: 0") },
  "without a reason": { bytes: "HTTP/1.1 404\r\nContent-Length: 1\r\n\r\nx" },
  "with an empty reason": { bytes: "HTTP/1.1 404 \r\nContent-Length: 1\r\n\r\nx" },
  "in chunks": { bytes: `${CHUNKED}5\r\nhello\r\n1\r\n \r\n0A\r\n0123456789\r\n0\r\n\r\n` },
  "in chunks with a body that looks like framing": {
    bytes: `${CHUNKED}C\r\n0\r\n\r\nHTTP/1.\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n`,
  },
  "in chunks with trailers": { bytes: `${CHUNKED}1\r\nx\r\n0\r\nX-Sum: 1\r\nx-more: a b \r\n\r\n` },
  "in no chunk at all": { bytes: `${CHUNKED}000\r\n\r\n` },
  "until the end of the connection": { bytes: `${head("X-A: 1")}all of it\r\n\r\n`, closes: true },
  "of HTTP/1.0": { bytes: "HTTP/1.0 200 OK\r\n\r\nold", closes: true },
  "after informational ones": {
    bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n${head("Content-Length: 2")}hi`,
  },
  "to HEAD": { bytes: head("Content-Length: 500"), method: "HEAD" },
  "to HEAD in chunks": { bytes: CHUNKED, method: "HEAD" },
  "204": { bytes: "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n" },
  "304 with the length of another": { bytes: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" },
  "with odd but lawful fields": {
    bytes: `${head("x-empty:", "X-Tab:\t a \t", "!#$%&'*+.^_`|~-1: caf\xe9", "Set-Cookie: a", "set-cookie: b", "Content-Length:  2 ")}ok`,
  },
};

const INVALID: Record<string, string> = {
  "that is not HTTP": "hello\r\n\r\n",
  "that is not HTTP and never ends": "\x16\x03\x01",
  "of another version": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
  "of HTTP/0.9": "HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
  "with a status of two digits": "HTTP/1.1 20 OK\r\n\r\n",
  "with a status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
  "with a status below 100": "HTTP/1.1 099 OK\r\n\r\n",
  "with two spaces before the status": "HTTP/1.1  200 OK\r\n\r\n",
  "with an empty line before it": `\r\n${head("Content-Length: 0")}`,
  "with a control character in its reason": "HTTP/1.1 200 O\0K\r\n\r\n",
  "that switches protocols": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  "with bare line feeds": "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
  "with a bare line feed between fields": "HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2\r\n\r\n",
  "with a bare carriage return in a field": "HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\n\r\n",
  "with a space before a colon": head("X-A : 1"),
  "with a folded field": head("X-A: 1", " 2"),
  "with a folded first field": head(" X-A: 1"),
  "with a field without a colon": head("X-A"),
  "with a field without a name": head(": 1"),
  "with a name that is none": head("X(A): 1"),
  "with a NUL in a value": head("X-A: a\0b"),
  "with a DEL in a value": head("X-A: a\x7fb"),
  "with two different lengths": `${head("Content-Length: 1", "Content-Length: 2")}ab`,
  "with the same length twice": `${head("Content-Length: 1", "Content-Length: 1")}a`,
  "with a list of lengths": `${head("Content-Length: 1, 1")}a`,
  "with a negative length": head("Content-Length: -1"),
  "with a signed length": `${head("Content-Length: +1")}a`,
  "with a hexadecimal length": `${head("Content-Length: 0x1")}a`,
  "with an empty length": head("Content-Length:"),
  "with a length that is not exact": head("Content-Length: 99999999999999999999"),
  "with a length and chunks": `${head("Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n`,
  "with chunks and a length": `${head("transfer-encoding: chunked", "content-length: 5")}0\r\n\r\n`,
  "with another transfer encoding": head("Transfer-Encoding: gzip"),
  "with a second transfer encoding": head("Transfer-Encoding: gzip, chunked"),
  "chunked twice": head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
  "with an obfuscated transfer encoding": head("Transfer-Encoding: \x0bchunked"),
  "with a quoted transfer encoding": head('Transfer-Encoding: "chunked"'),
  "in chunks of HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "with a chunk of no size": `${CHUNKED}\r\n\r\n`,
  "with a chunk size that is none": `${CHUNKED}g\r\n\r\n`,
  "with a signed chunk size": `${CHUNKED}+1\r\na\r\n0\r\n\r\n`,
  "with a chunk size after 0x": `${CHUNKED}0x1\r\na\r\n0\r\n\r\n`,
  "with a space before a chunk size": `${CHUNKED} 1\r\na\r\n0\r\n\r\n`,
  "with a space after a chunk size": `${CHUNKED}1 \r\na\r\n0\r\n\r\n`,
  "with a chunk size that is not exact": `${CHUNKED}10000000000000001\r\na\r\n`,
  "with a bare line feed after a chunk size": `${CHUNKED}1\na\r\n0\r\n\r\n`,
  "with a chunk extension": `${CHUNKED}1;a=b\r\na\r\n0\r\n\r\n`,
  "with a chunk that is longer than its size": `${CHUNKED}1\r\nab\r\n0\r\n\r\n`,
  "with a bare line feed after a chunk": `${CHUNKED}1\r\na\n0\r\n\r\n`,
  "with a malformed trailer": `${CHUNKED}0\r\nX A: 1\r\n\r\n`,
};

describe("the parser of responses", () => {
  for (const [what, exchange] of Object.entries(VALID)) {
    it(`reads one ${what} as node does, however it is cut`, async () => {
      const expected = await parseWithNode(exchange);
      const { length } = exchange.bytes;
      const single = Array.from({ length: length - 1 }, (_, i) => i + 1);
      for (const cuts of [[], single, ...single.map((cut) => [cut])]) {
        const { keepsAlive, ...read } = parse({ ...exchange, cuts });
        assert.deepEqual(read, expected, `cut at ${cuts}`);
        assert.equal(keepsAlive, exchange.closes !== true);
      }
    });
  }

  for (const [what, bytes] of Object.entries(INVALID)) {
    it(`refuses one ${what}, however it is cut`, () => {
      const single = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
      const all = bytes.length > 1_000 ? [[], [500]] : [[], single, ...single.map((cut) => [cut])];
      for (const cuts of all)
        assert.throws(() => parse({ bytes, cuts }), MalformedResponse, `cut at ${cuts}`);
    });
  }

  it("finds nothing in random changes of a response that node would read as another one", async () => {
    const { bytes } = VALID["in chunks with trailers"]!;
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const spice = ["\r", "\n", " ", ":", ";", "0", "1", "\0", ",", "a", "\r\n"];
    for (let round = 0; round < 2_000; round++) {
      const at = random(bytes.length);
      const changed = bytes.slice(0, at) + spice[random(spice.length)] + bytes.slice(at + random(2));
      let read: Read;
      try {
        read = parse({ bytes: changed });
      } catch (error) {
        assert.ok(error instanceof MalformedResponse, String(error));
        continue;
      }
      // What has not ended waits for more, and what node reads leniently we refuse; what both read is the same.
      if (read.keepsAlive !== true) continue;
      const { keepsAlive: _, ...ours } = read;
      assert.deepEqual(ours, await parseWithNode({ bytes: changed }), JSON.stringify(changed));
    }
  });

  it("refuses a header block and trailers over the limit", () => {
    const large = `X-A: ${"a".repeat(HEADER_BYTES)}\r\n`;
    for (const bytes of [`HTTP/1.1 200 OK\r\n${large}\r\n`, `HTTP/1.1 200 OK\r\n${large}`]) {
      assert.throws(() => parse({ bytes }), HeadTooLarge);
      assert.throws(() => parse({ bytes, cuts: [700] }), HeadTooLarge);
    }
    assert.throws(() => parse({ bytes: `${CHUNKED}0\r\n${large}` }), HeadTooLarge);
    const most = head(
      `X-A: ${"a".repeat(HEADER_BYTES - head("X-A: ", "Content-Length: 0").length)}`,
      "Content-Length: 0",
    );
    assert.equal(parse({ bytes: most }).status, 200);
  });

  it("drops trailers that would frame the message", () => {
    const bytes = `${CHUNKED}0\r\nContent-Length: 5\r\nX-Sum: 1\r\nTransfer-Encoding: chunked\r\n\r\n`;
    assert.deepEqual(parse({ bytes }).trailers, ["x-sum", "1"]);
  });

  it("drops a length of 204, for which no body comes", () => {
    const { headers } = parse({ bytes: "HTTP/1.1 204 No Content\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n" });
    assert.deepEqual(headers, ["x-a", "1"]);
  });

  it("gives 205 without framing no body, and the connection up", () => {
    const { headers, keepsAlive } = parse({ bytes: "HTTP/1.1 205 Reset Content\r\n\r\n" });
    assert.deepEqual([headers, keepsAlive], [["content-length", "0"], false]);
  });

  it("gives a connection up that the response closes, or that carries more than the response", () => {
    const closing = ["Connection: close", "connection: x, Close", "Connection: x\r\nConnection: close"];
    for (const field of closing) {
      assert.equal(parse({ bytes: head(field, "Content-Length: 0") }).keepsAlive, false, field);
    }
    const old = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n";
    assert.equal(parse({ bytes: `${old}\r\n` }).keepsAlive, false);
    assert.equal(parse({ bytes: `${old}Connection: keep-alive\r\n\r\n` }).keepsAlive, true);
    for (const bytes of [
      `${head("Content-Length: 1")}ab`,
      `${head("Content-Length: 0")}${head("Content-Length: 0")}`,
      `${CHUNKED}0\r\n\r\n\r\n`,
      "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab",
    ]) {
      assert.equal(parse({ bytes }).keepsAlive, false, bytes);
    }
  });

  it("refuses what nobody asked for, and a connection that ends too early", () => {
    const parser = new ResponseParser(HEADER_BYTES, () => {});
    assert.throws(() => parser.execute(Buffer.from("H"), 1), MalformedResponse);
    for (const bytes of [
      "H",
      head("Content-Length: 2"),
      `${head("Content-Length: 2")}a`,
      `${CHUNKED}1\r\na\r\n`,
    ]) {
      assert.throws(() => parse({ bytes, closes: true }), ResponseCut);
    }
  });

  it("reads on when heads are the same, and does not mistake one for another", () => {
    const read: string[] = [];
    const parser = new ResponseParser(HEADER_BYTES, () => {});
    for (const bytes of [
      `${head("X-A: 1", "Content-Length: 1")}a`,
      `${head("X-A: 1", "Content-Length: 1")}b`,
      `${head("X-A: 2", "Content-Length: 1")}c`,
    ]) {
      const sink = {
        onInformation: () => {},
        onHead: ({ headers }: UpstreamHead) => read.push(headers.join()),
        onData: (part: Buffer) => read.push(part.toString()),
        onEnd: () => {},
      };
      parser.begin(sink, false, false);
      parser.execute(Buffer.from(bytes), bytes.length);
    }
    assert.deepEqual(read, [
      ...["x-a,1,content-length,1", "a", "x-a,1,content-length,1", "b"],
      ...["x-a,2,content-length,1", "c"],
    ]);
  });
});
