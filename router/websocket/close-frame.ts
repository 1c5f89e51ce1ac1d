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
 * Closes a WebSocket in the middle of its life as a server does: the client gets a Close frame between two frames of the
 * function, and its answer reaches the function.
 */
export class CloseFrame {
  readonly #client: Socket;
  /** Bytes that are still to come of the payload of a frame. */
  #payloadBytes = 0;
  /** Beginning of a frame whose length is not known yet. */
  #head: number[] = [];
  #state: "open" | "wanted" | "sent" = "open";

  constructor(client: Socket) {
    this.#client = client;
  }

  /** Sends the frame as soon as a frame of the function ends. */
  send(): void {
    if (this.#state === "open") this.#state = "wanted";
    this.#sendBetweenFrames();
  }

  /** Follows what the function sends; to be called after the part was sent to the client. */
  follow(part: Buffer): void {
    this.#read(part);
    this.#sendBetweenFrames();
  }

  #sendBetweenFrames(): void {
    if (this.#state !== "wanted" || this.#payloadBytes > 0 || this.#head.length > 0) return;
    this.#state = "sent";
    if (this.#client.writable) this.#client.write(GOING_AWAY);
  }

  #read(part: Buffer): void {
    let at = 0;
    while (at < part.length) {
      if (this.#payloadBytes > 0) {
        const taken = Math.min(this.#payloadBytes, part.length - at);
        this.#payloadBytes -= taken;
        at += taken;
      } else {
        this.#head.push(part[at++]!);
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
