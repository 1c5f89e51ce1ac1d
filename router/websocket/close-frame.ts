import type { Socket } from "node:net";

/** An unmasked Close frame with 1001, going away (RFC 6455 5.5.1 and 7.4.1). */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);
/** Flags and length; 2 or 8 bytes more of length; 4 bytes of a mask. */
const LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  [126, 2],
  [127, 8],
]);
const MASK_BYTES = 4;

/**
 * Can end a WebSocket in the middle of its life as a server ends it: the client is told between two frames
 * of the function, and what it replies reaches the function as its farewell.
 */
export class Farewell {
  readonly #client: Socket;
  /** Bytes that are still to come of the payload of a frame. */
  #payloadBytes = 0;
  /** Beginning of a frame whose length is not known yet. */
  #head: number[] = [];
  #state: "open" | "wanted" | "said" = "open";

  /**
   * Must be made when `upstream` is already passed on to `client`, because a listener makes it flow, and before
   * anything of the function's frames has been read from it.
   */
  constructor(upstream: Socket, client: Socket) {
    this.#client = client;
    upstream.on("data", (chunk: Buffer) => {
      this.#follow(chunk);
      this.#sayBetweenFrames();
    });
  }

  /** Tells the client as soon as a frame ends. */
  say(): void {
    if (this.#state === "open") this.#state = "wanted";
    this.#sayBetweenFrames();
  }

  #sayBetweenFrames(): void {
    if (this.#state !== "wanted" || this.#payloadBytes > 0 || this.#head.length > 0) return;
    this.#state = "said";
    if (this.#client.writable) this.#client.write(GOING_AWAY);
  }

  #follow(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadBytes > 0) {
        const taken = Math.min(this.#payloadBytes, chunk.length - at);
        this.#payloadBytes -= taken;
        at += taken;
      } else {
        this.#head.push(chunk[at++]!);
        this.#endHead();
      }
    }
  }

  #endHead(): void {
    const head = this.#head;
    if (head.length < 2) return;
    const short = head[1]! & 0x7f;
    const lengthBytes = LENGTH_BYTES.get(short) ?? 0;
    const maskBytes = (head[1]! & 0x80) === 0 ? 0 : MASK_BYTES;
    if (head.length < 2 + lengthBytes + maskBytes) return;
    const long = head.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
    this.#payloadBytes = lengthBytes === 0 ? short : long;
    this.#head = [];
  }
}
