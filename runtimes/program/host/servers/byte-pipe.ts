import { connect, createServer, type Socket } from "node:net";
import type { StartMessage } from "../../../../client-image/start-message.ts";
import type { ServerAddress } from "./find-listener.ts";

/** Passes the connections of an instance on to a server, byte by byte. */
export class BytePipe {
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#connect(socket));
  readonly #target: ServerAddress;
  readonly #sockets = new Set<Socket>();
  #onIdle: () => void = () => {};

  constructor(target: ServerAddress) {
    this.#target = target;
  }

  /** @throws Error if the address cannot be used */
  listen(address: StartMessage["listen"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen("unix" in address ? { path: address.unix } : { port: address.port }, resolve);
    });
  }

  /** Takes no further connection. Resolves when none is left: routers close those of an instance that they do not use. */
  async drain(): Promise<void> {
    this.#server.close();
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #connect(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    this.#sockets.add(client);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("error", () => to.destroy());
      from.once("close", () => {
        if (!from.readableEnded) to.destroy();
      });
      from.pipe(to);
    }
    client.once("close", () => {
      this.#sockets.delete(client);
      if (this.#sockets.size === 0) this.#onIdle();
    });
  }
}
