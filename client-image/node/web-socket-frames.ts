/** Frames of WebSockets (RFC 6455, section 5), for the program's side of a connection without extensions. */

import { type Bytes, concat } from "../bytes.ts";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Longest message, which is held in memory until it is complete. */
const MOST_BYTES = 64 * 1024 ** 2;

/** Encodes a frame of a client. Its mask is zero: nothing between here and the program could be confused by it. */
export function encodeFrame(opcode: number, payload: Uint8Array): Bytes {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 2 ** 16 ? 2 : 8;
  const frame = new Uint8Array(2 + extra + 4 + length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(2, length);
  if (extra === 8) view.setBigUint64(2, BigInt(length));
  frame.set(payload, 2 + extra + 4);
  return frame;
}

/** Reads the frames of a server, and passes on whole messages and control frames. */
export class FrameReader {
  readonly #onMessage: (opcode: number, payload: Bytes) => void;
  #rest: Bytes = new Uint8Array();
  #parts: Bytes[] = [];
  #opcode = 0;

  constructor(onMessage: (opcode: number, payload: Bytes) => void) {
    this.#onMessage = onMessage;
  }

  /** @throws Error if a message is too long */
  read(chunk: Uint8Array): void {
    this.#rest = concat(this.#rest, chunk);
    for (;;) {
      const view = new DataView(this.#rest.buffer, this.#rest.byteOffset, this.#rest.length);
      if (view.byteLength < 2) return;
      const short = view.getUint8(1) & 0x7f;
      const start = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (view.byteLength < start) return;
      const length = short === 127 ? Number(view.getBigUint64(2)) : short === 126 ? view.getUint16(2) : short;
      if (length > MOST_BYTES) throw new Error("A WebSocket message of more than 64 MiB cannot be sent");
      if (view.byteLength < start + length) return;
      const payload = this.#rest.slice(start, start + length);
      this.#rest = this.#rest.slice(start + length);
      this.#take(view.getUint8(0), payload);
    }
  }

  #take(first: number, payload: Bytes): void {
    const opcode = first & 0x0f;
    if (opcode >= OPCODE.close) {
      this.#onMessage(opcode, payload);
      return;
    }
    if (opcode !== OPCODE.continuation) this.#opcode = opcode;
    this.#parts.push(payload);
    if ((first & 0x80) === 0) return;
    const whole = concat(...this.#parts);
    this.#parts = [];
    this.#onMessage(this.#opcode, whole);
  }
}
