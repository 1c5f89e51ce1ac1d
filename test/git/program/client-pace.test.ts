import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { PassThrough, Writable } from "node:stream";
import { mock } from "node:test";
import { watchAnswer, watchBody } from "../../../manager/git/program/client-pace.ts";
import { eventually } from "../../support/eventually.ts";

const WINDOW_MS = 50;
const LEAST_BYTES = 100;
const EVERY_MS = 5;

describe("a client of git is too slow", () => {
  let server: Server;
  let sending: NodeJS.Timeout;

  afterEach(() => {
    clearInterval(sending);
    server?.close();
  });

  /** Sends a part of a body again and again. Returns what the watch said, or undefined after some windows. */
  async function slowness(target: PassThrough, part: string): Promise<string | undefined> {
    const watched = Promise.withResolvers<string | undefined>();
    server = createServer((incoming) => {
      incoming.pipe(target);
      watchBody(incoming, target, {
        onSlow: ({ detail }) => watched.resolve(detail),
        windowMs: WINDOW_MS,
        leastBytes: LEAST_BYTES,
      });
      setTimeout(watched.resolve, 6 * WINDOW_MS, undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const client = request({ host: "127.0.0.1", port, method: "POST" }).on("error", () => {});
    client.write(part);
    sending = setInterval(() => client.write(part), EVERY_MS);
    const result = await watched.promise;
    client.destroy();
    return result;
  }

  it("whose body drips", async () => {
    const said = await slowness(new PassThrough().resume(), "x");
    assert.match(said ?? "", /^Less than 100 bytes? within 50 ms of the request arrived: /);
  });

  it("unless the body comes at the least pace", async () => {
    assert.equal(await slowness(new PassThrough().resume(), "x".repeat(10 * LEAST_BYTES)), undefined);
  });

  it("unless git does not read", async () => {
    assert.equal(await slowness(new PassThrough({ highWaterMark: 1 }), "x"), undefined);
  });

  it("that takes nothing of its answer", async () => {
    const taken: (() => void)[] = [];
    const response = new Writable({ highWaterMark: 1, write: (_, __, done) => void taken.push(done) });
    const said: string[] = [];
    const stop = watchAnswer(response, ({ detail }) => void said.push(detail), WINDOW_MS);
    response.write("first");
    await eventually("the watch ends it", () => said.length > 0);
    assert.match(said[0]!, /^The client read too little of the answer for 50 ms: /);
    stop();
  });

  it("that stops just after the watch looked", () => {
    const clock = mock.timers;
    clock.enable({ apis: ["setInterval"] });
    try {
      const response = new Writable({ highWaterMark: 1, write: () => {} });
      const said: string[] = [];
      watchAnswer(response, ({ detail }) => void said.push(detail), 60_000);
      clock.tick(1);
      response.write("first");
      clock.tick(60_000);
      assert.deepEqual(said, []);
      clock.tick(6_000);
      assert.equal(said.length, 1);
    } finally {
      clock.reset();
    }
  });

  it("unless it takes some of its answer, or git writes none", async () => {
    const response = new PassThrough({ highWaterMark: 1 });
    const said: string[] = [];
    const stop = watchAnswer(response, ({ detail }) => void said.push(detail), WINDOW_MS);
    sending = setInterval(() => {
      response.read();
      response.write("more");
    }, EVERY_MS);
    await new Promise((resolve) => setTimeout(resolve, 4 * WINDOW_MS));
    clearInterval(sending);
    response.read();
    await new Promise((resolve) => setTimeout(resolve, 4 * WINDOW_MS));
    assert.deepEqual(said, []);
    stop();
  });
});
