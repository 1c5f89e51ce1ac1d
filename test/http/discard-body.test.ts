import { strict as assert } from "node:assert";
import { once } from "node:events";
import { connect } from "node:net";
import { type StartedManager, startManager } from "../manager/started-manager.ts";

/** Sends the head and then a byte of the body again and again, until the server ends the connection. */
async function trickle(port: number, head: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  socket.on("error", () => {});
  socket.write(head);
  const sending = setInterval(() => socket.write("x"), 20);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const deadline = setTimeout(() => reject(new Error("the connection was held for 30 s")), 30_000);
  socket.once("close", () => resolve());
  try {
    await promise;
  } finally {
    clearInterval(sending);
    clearTimeout(deadline);
    socket.destroy();
  }
  return answer;
}

describe("manager: an answer that is out before the body has arrived", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  it("is the end of a connection that trickles on", async () => {
    const rows = [
      ["POST", "/func?name=A", 400],
      ["POST", "/healthz", 405],
      ["POST", "/nowhere", 404],
      ["POST", "/func?name=a", 413],
      ["GET", "/func", 200],
    ] as const;
    const answers = rows.map(async ([method, target, status]) => {
      const head = `${method} ${target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n\r\n`;
      const answer = await trickle(skiff.port, head);
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${method} ${target}: ${answer}`);
    });
    await Promise.all(answers);
  });

  it("leaves the connection to the next request when the rest of the body comes in time", async () => {
    const head = "POST /func?name=A HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\n";
    const socket = connect(skiff.port, "127.0.0.1");
    try {
      socket.write(head);
      const [refused] = (await once(socket, "data")) as [Buffer];
      assert.match(String(refused), /^HTTP\/1\.1 400 /);
      socket.write("xyz");
      let isOpen = true;
      socket.once("close", () => {
        isOpen = false;
      });
      // The time of a later client, whose body does not come, is over.
      const later = connect(skiff.port, "127.0.0.1").resume();
      later.write(head);
      await once(later, "close");
      assert.ok(isOpen);
      socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
      const [answer] = (await once(socket, "data")) as [Buffer];
      assert.match(String(answer), /^HTTP\/1\.1 200 /);
    } finally {
      socket.destroy();
    }
  });
});
