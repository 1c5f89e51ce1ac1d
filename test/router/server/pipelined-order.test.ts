import assert from "node:assert/strict";
import net from "node:net";
import { Harness, until } from "../support/harness.ts";
import { NODES_OWN } from "../support/raw-connection.ts";
import { RawInstance } from "../support/raw-instance.ts";

const get = (path: string) => `GET /fn/echo${path} HTTP/1.1\r\nHost: h\r\n${NODES_OWN}\r\n`;
const large = "x".repeat(6_000);
const whole = `HTTP/1.1 200 OK\r\nx-own: \xe9\r\ncontent-length: ${large.length}\r\n\r\n${large}`;

describe("a response whose turn has not come", () => {
  let harness: Harness;
  let answerFirst: () => void;
  let sent: string;
  let asked: number;

  beforeEach(async () => {
    harness = await Harness.start();
    asked = 0;
    const instance = new RawInstance((socket) => {
      if (++asked === 1)
        answerFirst = () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst");
      else socket.end(sent, "latin1");
    });
    await harness.publish("echo", [await harness.listen(instance.server)]);
  });
  afterEach(() => harness.close());

  /** What comes back for two requests at once, of which the second is answered first. */
  async function answers(second: string, isDone: (text: string) => boolean): Promise<string> {
    const socket = net
      .connect(harness.port, "127.0.0.1")
      .setEncoding("latin1")
      .on("error", () => {});
    let text = "";
    let isClosed = false;
    socket.on("data", (chunk) => (text += chunk)).on("close", () => (isClosed = true));
    socket.write(get("/bad") + second);
    await until(() => asked === 2 && harness.stats().inFlight === 1, "the second is answered");
    answerFirst();
    await until(() => isClosed || isDone(text), `both answers, after ${JSON.stringify(text)}`);
    socket.destroy();
    return text.replace(/x-skiff-call-id: .*\r\n|[Dd]ate: .*\r\n/g, "");
  }

  const order = (text: string) =>
    text.replace(large, "BODY").match(/HTTP\/1\.1 \d{3}|first|BODY|x-own: \xe9/g);

  it("has early hints before its head", async () => {
    sent = `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${whole}`;
    const text = await answers(get("/bad"), (so) => so.includes(large));
    assert.deepEqual(order(text), [
      "HTTP/1.1 200",
      "first",
      "HTTP/1.1 103",
      "HTTP/1.1 200",
      "x-own: \xe9",
      "BODY",
    ]);
  });

  it("has 100 Continue before its head", async () => {
    sent = whole;
    const fields = "Host: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n";
    const text = await answers(`GET /fn/echo/bad HTTP/1.1\r\n${fields}\r\n`, (so) => so.includes(large));
    assert.deepEqual(order(text), [
      "HTTP/1.1 200",
      "first",
      "HTTP/1.1 100",
      "HTTP/1.1 200",
      "x-own: \xe9",
      "BODY",
    ]);
  });

  it("leaves the answers before it whole when it breaks off", async () => {
    sent = "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\nsome of it";
    assert.match(await answers(get("/bad"), () => false), /first/);
  });

  it("ends with its call when the connection went to CONNECT and closed before its turn", async () => {
    sent = whole;
    const socket = net.connect(harness.port, "127.0.0.1").on("error", () => {});
    socket.write(`${get("/bad")}${get("/bad")}CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n`);
    await until(() => asked === 2, "both reached the instance");
    socket.resetAndDestroy();
    answerFirst();
    await until(async () => (await harness.connections()) === 0, "the connection is gone");
    await harness.idle();
    // Otherwise it waits for calls that are over.
    const closing = harness.router.close({ drainMs: 60_000 }).then(() => "closed");
    let state = "waiting";
    void closing.then((end) => (state = end));
    await until(() => state === "closed", "the router is closed");
  });
});
