import type { Socket } from "node:net";

/** An unmasked close frame with 1001, going away (RFC 6455 5.5.1 and 7.4.1). */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);
/** Bytes of an extended length, by the short length (RFC 6455 5.2). */
const LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  [126, 2],
  [127, 8],
]);
const MASK_BYTES = 4;

/** Sends a client a close frame between two frames of the function, which gets the client's answer. */
export class CloseFrame {
  readonly #client: Socket;
  /** Bytes of the current payload that have not arrived. */
  #payloadBytes = 0;
  /** The part of a frame's head that has arrived. */
  #head: number[] = [];
  #state: "open" | "wanted" | "sent" = "open";

  constructor(client: Socket) {
    this.#client = client;
  }

  /** Sends the frame as soon as the current frame of the function ends. */
  send(): void {
    if (this.#state === "open") this.#state = "wanted";
    this.#sendBetweenFrames();
  }

  /** Follows the frames of the function. Call it after the part was sent to the client. */
  follow(part: Buffer): void {
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
    this.#sendBetweenFrames();
  }

  #sendBetweenFrames(): void {
    if (this.#state !== "wanted" || this.#payloadBytes > 0 || this.#head.length > 0) return;
    this.#state = "sent";
    if (this.#client.writable) this.#client.write(GOING_AWAY);
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
