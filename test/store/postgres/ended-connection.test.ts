import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { PostgresStore } from "../../../store/postgres/postgres-store.ts";

/** A message of the server (PostgreSQL documentation, "Message Formats"). */
function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(body, "latin1");
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length + 4);
  return Buffer.concat([Buffer.from(type), length, bytes]);
}

/** Accepts the client and takes that back: what a server writes that stops at that moment. */
const ACCEPTED = message("R", "\0\0\0\0");
const READY = message("Z", "I");
const STOPPED = message("E", "SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0");

describe("a connection to PostgreSQL that ends in the moment in which it is made", () => {
  let server: Server;
  before(async () => {
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(Buffer.concat([ACCEPTED, READY, STOPPED])));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(() => server.close());

  it("refuses the request with 503, and Skiff goes on", async () => {
    const { port } = server.address() as AddressInfo;
    const url = `postgres://skiff:secret@127.0.0.1:${port}/skiff`;
    const store = new PostgresStore({ url, limits: limitsFromEnv({}), print: () => {} });
    try {
      await assert.rejects(store.calls.totals(), { code: "store_unavailable" });
    } finally {
      await store.close();
    }
  });
});
