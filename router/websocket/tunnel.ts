import type { Socket } from "node:net";
import type { UpstreamConnection } from "../upstream/connection.ts";
import type { ResponseSink } from "../upstream/response-parser.ts";
import { CloseFrame } from "./close-frame.ts";

/** Time for a function to send its last frame after the client has, in milliseconds. */
const LAST_FRAME_MS = 1_000;

export interface TunnelOptions {
  readonly client: Socket;
  readonly upstream: UpstreamConnection;
  /** Passes on what the instance sends. */
  readonly relay: ResponseSink & { onPart: ((part: Buffer) => void) | undefined };
  /** Bytes that the client sent after its handshake. */
  readonly head: Buffer;
  /** Time without data in both directions after which `onIdle` is called, in milliseconds. */
  readonly idleMs: number;
  readonly onIdle: () => void;
}

/** An open WebSocket: passes on what the client sends, with back-pressure. */
export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #closeFrame: CloseFrame;

  constructor(options: TunnelOptions) {
    const { client, upstream, relay, head, idleMs, onIdle } = options;
    this.#options = options;
    this.#closeFrame = new CloseFrame(client);
    relay.onPart = (part) => this.#closeFrame.follow(part);
    const { socket } = upstream;
    if (head.length > 0) socket.write(head);
    socket.on("drain", () => client.resume());
    client.on("data", (part: Buffer) => {
      if (socket.writable && !socket.write(part)) client.pause();
    });
    client.once("end", () => {
      socket.end();
      const timer = setTimeout(() => client.destroy(), LAST_FRAME_MS);
      client.once("close", () => clearTimeout(timer));
    });
    client.setTimeout(idleMs, onIdle);
  }

  /** Sends the client a close frame with 1001. */
  goAway(): void {
    this.#closeFrame.send();
  }

  /** Closes the connection to the instance after the client's last data has been sent. */
  end(): void {
    const { upstream, relay, idleMs } = this.#options;
    upstream.finish(relay, idleMs);
  }
}
