import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Api } from "../../cli/api/api.ts";
import { followLines } from "../../cli/api/log-lines.ts";

describe("following a log from the command line", function () {
  this.timeout(60_000);
  let server: Server;
  let answers: ((response: ServerResponse) => void)[];
  /** The ids from which the client went on. */
  let ids: (string | undefined)[];
  let api: Api;
  beforeEach(async () => {
    ids = [];
    server = createServer((request, response) => {
      ids.push(request.headers["last-event-id"] as string | undefined);
      answers.shift()!(response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    api = new Api({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } as Api["place"]);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const breakAfter = (text: string) => (response: ServerResponse) => {
    response.write(text, () => response.socket?.resetAndDestroy());
  };
  const unavailable = (response: ServerResponse) => response.writeHead(503).end("upstream is away");
  const event = (id: string, text: string) => `id: ${id}\ndata: ${JSON.stringify({ id, text })}\n\n`;

  /** Follows until the line `last`. */
  async function follow() {
    const leaving = new AbortController();
    const lost: string[] = [];
    const onLost = ({ message }: Error) => lost.push(message);
    const texts: string[] = [];
    for await (const { text } of followLines(api, "/func/f/logs", {}, { signal: leaving.signal, onLost })) {
      texts.push(text);
      if (text === "last") leaving.abort();
    }
    return { texts, lost };
  }

  it("goes on from the position of the head, also after a status of 5xx", async () => {
    const open = (response: ServerResponse) => response.write(event("b", "last"));
    answers = [breakAfter("retry: 1000\nid: a\n\n"), unavailable, open];
    const { texts, lost } = await follow();
    assert.deepEqual(texts, ["last"]);
    assert.deepEqual(ids, [undefined, "a", "a"]);
    assert.equal(lost.length, 1);
  });

  it("takes no position from an event that is not complete", async () => {
    const open = (response: ServerResponse) => response.write(event("c", "last"));
    answers = [breakAfter(`retry: 1000\n\n${event("a", "first")}id: b\n`), open];
    assert.deepEqual((await follow()).texts, ["first", "last"]);
    assert.deepEqual(ids, [undefined, "a"]);
  });

  it("fails at once if it never began", async () => {
    answers = [unavailable];
    await assert.rejects(follow(), /503/);
  });
});
