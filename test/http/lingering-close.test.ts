import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { LingeringCloses, type LingeringLimits } from "../../http/lingering-close.ts";
import { connectHalfOpen } from "../support/deaf-client.ts";
import { eventually } from "../support/eventually.ts";

const LAST = "the last response";
const NEVER = { checkMs: 10, silentChecks: 1e9, mostChecks: 1e9, mostBytes: 1e9 };

describe("a connection that lingers", () => {
  let server: net.Server;
  let client: net.Socket;
  let accepted: net.Socket;
  let lingering: LingeringCloses;
  let text: string;
  let isSending: boolean;

  /** A client that sends on whatever comes back, and a server that has written its last response. */
  async function linger(limits: Partial<LingeringLimits>): Promise<void> {
    lingering = new LingeringCloses({ ...NEVER, ...limits });
    server = net.createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    client = connectHalfOpen((server.address() as net.AddressInfo).port).on("error", () => {});
    text = "";
    client.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
    });
    [accepted] = (await once(server, "connection")) as [net.Socket];
    accepted.on("error", () => {});
    lingering.watch(accepted);
    accepted.write(LAST);
    accepted.destroySoon();
  }
  afterEach(() => {
    isSending = false;
    client.destroy();
    accepted.destroy();
    server.close();
  });

  async function send(everyMs: number, size = 1): Promise<void> {
    isSending = true;
    const part = Buffer.alloc(size);
    while (isSending && !accepted.destroyed) {
      client.write(part);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  const isClosed = () => eventually("it is closed", () => accepted.destroyed);

  it("is closed when the client ends as well", async () => {
    await linger({});
    const [, sent] = await Promise.all([once(client, "end"), client.write("more")]);
    assert.ok(sent);
    assert.equal(text, LAST);
    assert.ok(!accepted.destroyed);
    client.end();
    await isClosed();
  });

  it("is closed when the client sends no more", async () => {
    await linger({ silentChecks: 3 });
    await isClosed();
  });

  it("is not closed while the client sends, but for so long", async () => {
    await linger({ silentChecks: 30, mostChecks: 60 });
    const startedMs = performance.now();
    void send(20);
    await isClosed();
    assert.ok(performance.now() - startedMs >= 500);
    assert.equal(text, LAST);
  });

  it("is closed when the client sends too much", async () => {
    await linger({ mostBytes: 100_000 });
    void send(1, 10_000);
    await isClosed();
    assert.ok(accepted.bytesRead > 100_000);
  });

  it("is waited for, but not for ever", async () => {
    await linger({});
    await lingering.settled(50);
    assert.ok(!accepted.destroyed);
    const settled = lingering.settled(60_000);
    client.end();
    await settled;
    assert.ok(accepted.destroyed);
    await lingering.settled(60_000);
  });

  it("is closed once, however often that is asked", async () => {
    await linger({});
    accepted.destroySoon();
    accepted.destroySoon();
    client.end();
    await isClosed();
  });
});
