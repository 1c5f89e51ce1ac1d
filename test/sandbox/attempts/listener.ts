import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A neighbour of the function on loopback, over TCP and UDP: it counts who reaches it. */
export class Listener {
  readonly #server: Server;
  readonly #datagrams: Socket;
  seen = 0;

  private constructor(location: string | undefined) {
    this.#server = createServer((_, response) => {
      if (location !== undefined) response.writeHead(302, { location });
      response.end("neighbour");
    });
    this.#server.on("connection", () => this.seen++);
    this.#datagrams = createSocket("udp4", () => this.seen++);
  }

  /** With a `location` it answers every request with a redirect to that. */
  static async open({ host = "127.0.0.1", location }: { host?: string; location?: string } = {}) {
    const listener = new Listener(location);
    listener.#server.listen(0, host);
    await once(listener.#server, "listening");
    if (host === "127.0.0.1") {
      listener.#datagrams.bind(listener.port, host);
      await once(listener.#datagrams, "listening");
    }
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#datagrams.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
