import net from "node:net";

/** Takes the part of the test: writes whatever it likes, once the call that asks for it may be answered. */
export type Misbehaviour = (socket: net.Socket) => void;

/**
 * An instance that speaks HTTP by hand, so that it can speak it badly: `/bad` gets what the test says, every
 * other path a faultless answer with the path as its body, and the health probe its due. It keeps its connections.
 */
export class RawInstance {
  readonly server: net.Server;
  /** Paths in order of arrival. */
  readonly seen: string[] = [];
  readonly sockets = new Set<net.Socket>();
  /** Connections that were made so far. */
  connections = 0;
  readonly #misbehave: Misbehaviour;

  constructor(misbehave: Misbehaviour) {
    this.#misbehave = misbehave;
    this.server = net.createServer((socket) => this.#serve(socket));
  }

  #serve(socket: net.Socket): void {
    let text = "";
    this.connections++;
    this.sockets.add(socket);
    socket.setEncoding("latin1").on("error", () => {});
    socket.once("close", () => this.sockets.delete(socket));
    socket.on("data", (chunk) => {
      text += chunk;
      for (;;) {
        const end = text.indexOf("\r\n\r\n");
        if (end < 0) return;
        const path = text.split(" ", 2)[1]!;
        const isProbe = text.slice(0, end).includes("x-skiff-probe:");
        text = text.slice(end + 4);
        if (isProbe) {
          socket.write("HTTP/1.1 204 No Content\r\n\r\n");
          continue;
        }
        this.seen.push(path);
        if (path === "/bad") this.#misbehave(socket);
        else socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
      }
    });
  }
}
