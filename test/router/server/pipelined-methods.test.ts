import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { startedSkiff } from "../../support/skiff/started-skiff.ts";
import { Harness, send, until } from "../support/harness.ts";
import { NODES_OWN, RawConnection } from "../support/raw-connection.ts";

const plain = (method: string, path: string, more = "") =>
  `${method} /fn/echo/${path} HTTP/1.1\r\nHost: h\r\n${more || "Content-Length: 0\r\n"}\r\n`;
const request = (method: string, path: string, more = "") =>
  plain(method, path, NODES_OWN + (more || "Content-Length: 0\r\n"));
const body = (text: string) => `Content-Length: ${text.length}\r\n\r\n${text}`;

describe("pipelined requests that Node's server reads", () => {
  let harness: Harness;
  let connection: RawConnection;
  /** What reached the function, in order: `+` when a call came, `-` when it was answered. */
  let seen: string[];
  let answer: Record<string, () => void>;

  beforeEach(async () => {
    harness = await Harness.start();
    seen = [];
    answer = {};
    await harness.serve((incoming, response) => {
      const name = incoming.url!.slice(1);
      seen.push(`+${name}`);
      answer[name] = () => end(name, response);
      incoming.resume();
    });
    await harness.publish("other", [await harness.instance((_, response) => response.end())]);
    connection = new RawConnection(harness.port);
  });
  afterEach(async () => {
    connection.destroy();
    await harness.close();
  });

  /** By then everything has come that was sent before: other connections were served meanwhile. */
  async function settle(): Promise<void> {
    for (let call = 1; call <= 2; call++) await send(`${harness.url}/fn/other`);
  }

  function end(name: string, response: ServerResponse): void {
    seen.push(`-${name}`);
    response.end(name);
  }

  /** Answers calls as they come until so many answers are back, each when nothing else has come meanwhile. */
  async function answerAll(count: number): Promise<void> {
    for (let answered = 0; answered < count; answered++) {
      await until(() => Object.keys(answer).length > 0, `call ${answered + 1} comes, after ${seen}`);
      await settle();
      const [name = ""] = Object.keys(answer);
      answer[name]!();
      delete answer[name];
      await connection.answered(answered + 1);
    }
  }

  for (const [what, methods, wanted] of [
    ["go one after the other when they are unsafe", "POST PUT DELETE PATCH", "+1 -1 +2 -2 +3 -3 +4 -4"],
    ["make an unsafe one wait for safe ones before it", "GET POST", "+1 -1 +2 -2"],
    ["make a safe one wait for an unsafe one before it", "POST GET", "+1 -1 +2 -2"],
    ["go together when all are safe", "GET OPTIONS GET", "+1 +2 +3 -1 -2 -3"],
    ["go together until an unsafe one comes", "GET GET POST GET", "+1 +2 -1 -2 +3 -3 +4 -4"],
    ["of methods nobody knows the meaning of are unsafe", "GET PROPFIND", "+1 -1 +2 -2"],
  ] as const) {
    it(what, async () => {
      const all = methods.split(" ").map((method, index) => request(method, String(index + 1)));
      connection.write(all.join(""));
      await answerAll(all.length);
      assert.equal(seen.join(" "), wanted);
      assert.equal(connection.answers().length, all.length);
    });
  }

  it("go one after the other when they are plain, however many there are", async () => {
    const all = Array.from({ length: 200 }, (_, index) => plain("GET", String(index + 1)));
    const numbers = all.map((_, index) => `+${index + 1} -${index + 1}`);
    connection.write(all.join(""));
    await answerAll(all.length);
    assert.equal(seen.join(" "), numbers.join(" "));
  });

  it("go in order when they are plain, of any method, and end with their connection", async () => {
    const methods = ["GET", "POST", "DELETE", "OPTIONS", "PUT", "HEAD", "PATCH", "GET"];
    connection.write(
      methods
        .slice(0, -1)
        .map((method, index) => plain(method, String(index + 1)))
        .join(""),
    );
    await answerAll(5);
    await until(() => seen.includes("+6"), "the sixth came");
    assert.equal(seen.join(" "), "+1 -1 +2 -2 +3 -3 +4 -4 +5 -5 +6");
    connection.destroy();
    await harness.idle();
    await settle();
    assert.equal(seen.at(-1), "+6", "those behind it are not begun");
  });

  it("wait with their bodies, which arrive whole", async () => {
    const large = "x".repeat(200_000);
    connection.write(request("POST", "1", body("one")).slice(0, -2));
    await until(() => seen.length === 1, "the first came");
    connection.write(request("POST", "2", body(large)).slice(0, -2) + request("GET", "3"));
    await answerAll(3);
    assert.equal(seen.join(" "), "+1 -1 +2 -2 +3 -3");
  });

  it("are not begun when the connection ends before their turn", async () => {
    connection.write(request("POST", "1") + request("POST", "2"));
    await until(() => seen.length === 1, "the first came");
    connection.destroy();
    await harness.idle();
    await settle();
    assert.deepEqual(seen, ["+1"]);
  });

  it("are not begun behind an answer that closes the connection", async () => {
    connection.write(request("POST", "1", "Connection: close\r\n") + request("POST", "2"));
    await answerAll(1);
    await connection.closed();
    assert.deepEqual(seen, ["+1", "-1"]);
  });

  it("wait in small numbers: the connection ends when a client sends more", async () => {
    const all = Array.from({ length: 200 }, (_, index) => request("POST", String(index + 1)));
    connection.write(all.join(""));
    await answerAll(33);
    await connection.closed();
    assert.equal(connection.answers().length, 33);
    assert.match(connection.text, /connection: close/i);
  });

  it("have a WebSocket handshake behind them, which waits for their answers", async () => {
    const handshake =
      "GET /fn/echo/socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    connection.write(request("POST", "1") + handshake);
    await answerAll(2);
    // The function answers the handshake like any request.
    assert.equal(seen.join(" "), "+1 -1 +socket -socket");
    assert.deepEqual(connection.answers(), ["200", "200"]);
  });
});

for (const workers of [1, 2]) {
  it(`pipelined requests to the management API go in order (${workers} of ${workers} workers)`, async () => {
    const skiff = await startedSkiff({ workers });
    const connection = new RawConnection(Number(new URL(skiff.url).port));
    try {
      const code = `export default () => "hi";`;
      const host = "Host: localhost\r\n";
      connection.write(
        `POST /func?name=piped HTTP/1.1\r\n${host}Content-Length: ${code.length}\r\n\r\n${code}` +
          `GET /fn/piped HTTP/1.1\r\n${host}\r\n` +
          `DELETE /func/piped HTTP/1.1\r\n${host}\r\n` +
          `GET /fn/piped HTTP/1.1\r\n${host}\r\n`,
      );
      await connection.answered(4);
      assert.deepEqual(connection.answers(), ["201", "200", "200", "404 unknown_function"]);
    } finally {
      connection.destroy();
      await skiff.close();
    }
  });
}
