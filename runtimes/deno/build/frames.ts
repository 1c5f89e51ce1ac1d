/** The longest header of a frame: the reader parses it without a pause. */
export const HEADER_BYTES = 256 * 1024;

const PRELUDE_BYTES = 8;

/** One message between Skiff and a build worker: a small JSON header and a body of bytes. */
export interface Frame {
  readonly header: unknown;
  readonly body: Uint8Array;
}

/** Encodes what precedes the body: the two lengths, and the header. */
export function encodeHeader(header: unknown, bodyBytes: number): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  if (json.length > HEADER_BYTES) throw new Error(`a header of ${json.length} bytes is too long for a frame`);
  const prelude = Buffer.alloc(PRELUDE_BYTES);
  for (const [index, length] of [json.length, bodyBytes].entries()) prelude.writeUInt32LE(length, index * 4);
  return Buffer.concat([prelude, json]);
}

/**
 * Assembles frames from the chunks of a stream. It copies each chunk once, into memory of the size that the prelude
 * announces, so the work for a chunk is proportional to its length.
 */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  readonly #mostBodyBytes: number;
  #parts: Buffer[] = [];
  #part = 0;
  #filled = 0;

  /** @param mostBodyBytes a frame that announces a longer body is an error */
  constructor(mostBodyBytes: number, onFrame: (frame: Frame) => void) {
    this.#mostBodyBytes = mostBodyBytes;
    this.#onFrame = onFrame;
    this.#reset();
  }

  /** @throws Error if the stream is not made of frames within the limits */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const part = this.#parts[this.#part]!;
      const taken = chunk.subarray(at, at + part.length - this.#filled);
      part.set(taken, this.#filled);
      at += taken.length;
      this.#filled += taken.length;
      if (this.#filled === part.length) this.#next();
    }
  }

  #next(): void {
    if (this.#part === 0) this.#allocate(this.#parts[0]!);
    this.#part++;
    this.#filled = 0;
    // Empty parts are complete already.
    while (this.#part < this.#parts.length && this.#parts[this.#part]!.length === 0) this.#part++;
    if (this.#part < this.#parts.length) return;
    const [, header, body] = this.#parts as [Buffer, Buffer, Buffer];
    this.#reset();
    this.#onFrame({ header: JSON.parse(header.toString()), body });
  }

  #allocate(prelude: Buffer): void {
    const [header, body] = [0, 4].map((at) => prelude.readUInt32LE(at)) as [number, number];
    if (header > HEADER_BYTES || body > this.#mostBodyBytes) {
      throw new Error(`a frame of ${header} and ${body} bytes is too long`);
    }
    this.#parts.push(...[header, body].map((length) => Buffer.allocUnsafe(length)));
  }

  #reset(): void {
    this.#parts = [Buffer.alloc(PRELUDE_BYTES)];
    this.#part = 0;
    this.#filled = 0;
  }
}
