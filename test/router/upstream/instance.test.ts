import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { RequestBody } from "../../../router/call/request-body.ts";
import { NodeBody } from "../../../router/server/node-body.ts";
import type { UpstreamConnection, UpstreamSink } from "../../../router/upstream/connection.ts";
import { InstanceClient } from "../../../router/upstream/instance-client.ts";
import { until } from "../support/harness.ts";

const HI = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/** What became of one call. */
class Heard implements UpstreamSink {
  text = "";
  isStarted = false;
  isEnded = false;
  error: Error | undefined;
  connection: UpstreamConnection | undefined;

  onStart(): void {
    this.isStarted = true;
  }
  onInformation(): void {}
  onHead({ status }: { status: number }): void {
    this.text += `${status} `;
  }
  onData(part: Buffer): void {
    this.text += part.toString();
  }
  onReadEnd(): void {}
  onEnd(): void {
    this.isEnded = true;
  }
  onError(error: Error): void {
    this.error = error;
  }
}

describe("the connections to an instance", () => {
  let folder: string;
  let server: net.Server;
  let pool: InstanceClient;
  /** Those that the instance has accepted, and what arrived on each. */
  let sockets: net.Socket[] = [];
  let received: string[] = [];
  let answer: (socket: net.Socket, text: string) => void;
  const bodies: RequestBody[] = [];
  let broken: string[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "skiff-pool-"));
    sockets = [];
    received = [];
    broken = [];
    answer = (socket) => socket.write(HI);
    server = net.createServer((socket) => {
      const index = sockets.push(socket) - 1;
      received.push("");
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        received[index]! += chunk;
        answer(socket, received[index]!);
      });
    });
    await new Promise<void>((resolve) => server.listen(join(folder, "i.sock"), resolve));
    pool = newPool();
  });
  afterEach(async () => {
    pool.destroy(new Error("the test is over"));
    for (const body of bodies.splice(0)) body.stop();
    server.close();
    for (const socket of sockets) socket.destroy();
    await rm(folder, { recursive: true, force: true });
  });

  function newPool({ kept = 2, idleMs = 60_000, path = join(folder, "i.sock") } = {}): InstanceClient {
    const readBuffer = Buffer.alloc(64 * 1024);
    const instance = { id: "i", address: { unix: path } };
    return new InstanceClient({ instance, headerBytes: 1_000, concurrency: kept, readBuffer, idleMs });
  }

  /** A body of unknown length, as it comes from a client. */
  function bodyOf(stream: Readable): RequestBody {
    const headers = { "transfer-encoding": "chunked" };
    const incoming = Object.assign(stream, { headers, rawTrailers: [], complete: false });
    const body = new RequestBody(NodeBody.of(incoming as unknown as IncomingMessage)!, {
      bodyLimit: 1_000_000,
      connection: undefined,
      bodyStarted: () => {},
      progressed: () => {},
      bodyEnded: () => {},
      bodyTooLarge: () => assert.fail("it is too large"),
      bodyBroken: (reason) => void broken.push(reason),
    });
    bodies.push(body);
    return body;
  }

  function send(body?: RequestBody): Heard {
    const heard = new Heard();
    const method = body === undefined ? "GET" : "POST";
    const text = `${method} / HTTP/1.1\r\nhost: h\r\n`;
    heard.connection = pool.send({ method, text, body }, heard);
    return heard;
  }

  async function answered(heard: Heard, text = "200 hi"): Promise<void> {
    await until(() => heard.isEnded || heard.error !== undefined, "the call ends");
    assert.equal(heard.error, undefined);
    assert.equal(heard.text, text);
  }

  it("are used again, as many as there were calls at once", async () => {
    for (let i = 0; i < 3; i++) await answered(send());
    assert.equal(sockets.length, 1);
    await Promise.all([send(), send()].map((heard) => answered(heard)));
    await Promise.all([send(), send()].map((heard) => answered(heard)));
    assert.equal(sockets.length, 2);
    assert.equal(received.join(""), "GET / HTTP/1.1\r\nhost: h\r\n\r\n".repeat(7));
  });

  it("are kept up to a number, and for a time", async () => {
    await Promise.all(Array.from({ length: 5 }, () => send()).map((heard) => answered(heard)));
    const open = () => sockets.filter((socket) => !socket.destroyed).length;
    await until(() => open() === 2, "two are left");
    pool = newPool({ idleMs: 5 });
    await answered(send());
    await until(() => open() === 2, "it is closed when nobody uses it");
  });

  it("are replaced without a word when the instance has closed them", async () => {
    await answered(send());
    sockets[0]!.end();
    await until(() => sockets[0]!.destroyed, "it is closed");
    await answered(send());
    assert.equal(sockets.length, 2);
  });

  it("are replaced without a word when the end has not been seen yet: no byte can be written", async () => {
    await Promise.all([answered(send()), answered(send())]);
    for (const socket of sockets) socket.destroy();
    const heard = send();
    await answered(heard);
    assert.equal(sockets.length, 3);
  });

  it("are not trusted when one breaks after a byte was written: the call has started", async () => {
    answer = (socket) => socket.destroy();
    const heard = send();
    await until(() => heard.error !== undefined, "the call fails");
    assert.equal(heard.isStarted, true);
    assert.equal(sockets.length, 1);
  });

  it("fail without a start when there is no instance", async () => {
    pool = newPool({ path: join(folder, "none.sock") });
    const heard = send();
    await until(() => heard.error !== undefined, "the call fails");
    assert.equal((heard.error as NodeJS.ErrnoException).code, "ENOENT");
    assert.equal(heard.isStarted, false);
  });

  it("are closed when their call is broken off, before and after they are made", async () => {
    answer = () => {};
    const early = send();
    early.connection!.abort(early);
    const late = send();
    await until(() => late.isStarted && received.at(-1) !== "", "the call is with the instance");
    late.connection!.abort(late);
    await until(() => sockets.every((socket) => socket.destroyed), "the connections are closed");
    assert.equal(early.isStarted, false);
    assert.deepEqual([early.error, late.error, late.isEnded], [undefined, undefined, false]);
  });

  it("are not closed by a call that has ended", async () => {
    const first = send();
    await answered(first);
    answer = () => {};
    const second = send();
    assert.equal(second.connection, first.connection);
    first.connection!.abort(first);
    first.connection!.pause(first);
    await until(
      () => received[0]!.endsWith("\r\n\r\n") && received[0]!.length > 40,
      "the second has arrived",
    );
    sockets[0]!.write(HI);
    await answered(second);
  });

  it("are not used again when more came than the response, which no other call gets", async () => {
    const poisoned = `${HI}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`;
    answer = (socket) => socket.write(sockets.length === 1 ? poisoned : HI);
    await answered(send());
    await answered(send());
    assert.equal(sockets.length, 2);
  });

  it("are closed when something comes that nobody asked for", async () => {
    await answered(send());
    sockets[0]!.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    await until(() => sockets[0]!.destroyed, "it is closed");
    await answered(send());
  });

  it("are not used again while a body is not sent to its end, and nobody reads it on", async () => {
    const stream = new Readable({ read() {} });
    stream.push("part");
    const body = bodyOf(stream);
    await answered(send(body));
    body.stop();
    await until(() => sockets[0]!.destroyed, "it is closed");
  });

  it("carry a body in chunks, and are used again after it", async () => {
    answer = (socket, text) => text.endsWith("\r\n0\r\n\r\n") && socket.write(HI);
    await answered(send(bodyOf(Readable.from([Buffer.from("hello"), Buffer.alloc(17, "x")]))));
    assert.match(
      received[0]!,
      /\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n11\r\nx{17}\r\n0\r\n\r\n$/,
    );
    await answered(send(bodyOf(Readable.from([Buffer.from("again")]))));
    assert.equal(sockets.length, 1);
  });

  it("have a body that breaks off reported to the call, which ends itself", async () => {
    answer = () => {};
    const stream = new Readable({ read() {} });
    stream.push("part");
    send(bodyOf(stream));
    await until(() => received[0] !== undefined && received[0] !== "", "the head has arrived");
    stream.destroy();
    await until(() => broken.length === 1, "the call knows");
    assert.deepEqual(broken, ["its body broke off"]);
  });

  it("carry nothing of a call whose body does not begin, and leave the body to another try", async () => {
    const stream = new Readable({ read() {} });
    const body = bodyOf(stream);
    const heard = send(body);
    await until(() => sockets.length === 1, "it is made");
    sockets[0]!.destroy();
    await until(() => heard.error !== undefined, "the call fails");
    assert.deepEqual([heard.isStarted, received[0], stream.destroyed], [false, "", false]);
    stream.push("whole");
    stream.push(null);
    await answered(send(body));
    assert.match(received[1]!, /whole/);
  });

  it("leave a body whole when the end was not seen yet: no byte can be written", async () => {
    await answered(send());
    const stream = new Readable({ read() {} });
    const body = bodyOf(stream);
    const heard = send(body);
    assert.equal(heard.connection !== undefined && heard.isStarted, false);
    sockets[0]!.destroy();
    stream.push("whole");
    stream.push(null);
    await until(() => heard.error !== undefined, "the call fails");
    assert.equal(heard.isStarted, false);
    await answered(send(body));
    assert.match(received[1]!, /\r\n5\r\nwhole\r\n0\r\n\r\n$/);
  });

  it("take no response to a call before it is sent", async () => {
    await answered(send());
    const heard = send(bodyOf(new Readable({ read() {} })));
    sockets[0]!.write(HI);
    await until(() => heard.error !== undefined, "the call fails");
    assert.deepEqual([heard.isStarted, heard.text], [false, ""]);
  });

  it("hold a response up until it is wanted", async () => {
    answer = (socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n${"x".repeat(4_000_000)}`);
    const heard = send();
    heard.onData = (part) => {
      heard.text += part.toString();
      heard.connection!.pause(heard);
    };
    await until(() => heard.text.length > 4, "the first part is here");
    const { length } = heard.text;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(heard.text.length, length);
    await until(() => {
      heard.connection!.resume(heard);
      return heard.isEnded;
    }, "all of it is here");
    assert.equal(heard.text.length, 4_000_004);
    answer = (socket) => socket.write(HI);
    await answered(send());
    assert.equal(sockets.length, 1);
  });

  it("end with their calls once the pool is closed, and at once when it is destroyed", async () => {
    answer = () => {};
    const calls = [send(), send()];
    await until(() => received.filter((text) => text !== "").length === 2, "both are with the instance");
    pool.close();
    sockets[0]!.write(HI);
    await until(() => sockets[0]!.destroyed, "the first ends");
    assert.equal(sockets[1]!.destroyed, false);
    const reason = new Error("closing");
    pool.destroy(reason);
    assert.equal(calls.filter((call) => call.isEnded).length, 1);
    assert.equal(calls.filter((call) => call.error === reason).length, 1);
    assert.equal(send().error, reason);
  });
});
