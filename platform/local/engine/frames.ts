import type { Socket } from "node:net";
import { PassThrough, type Readable, type Writable } from "node:stream";

const HEADER_BYTES = 8;
const STDERR = 2;

/** The standard streams of a container. Both outputs must be read: one that is not read holds the other back. */
export interface Attachment {
  /** Its end is the end of the standard input. Errors of it say that the command does not read any more. */
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  /** Breaks the connection. The container goes on. */
  close(): void;
}

/**
 * Separates the frames of a container without a terminal: stream (1 byte) · zeros (3) · length (4, big-endian) · data.
 * A connection that breaks within a frame ends both outputs with an error.
 */
export function separate({ socket, head }: { socket: Socket; head: Uint8Array }, input: Socket): Attachment {
  const output = new PassThrough();
  const errors = new PassThrough();
  const header = Buffer.alloc(HEADER_BYTES);
  let headerBytes = 0;
  let left = 0;
  let target = output;

  const read = (chunk: Buffer): boolean => {
    let rest = chunk;
    let isTaken = true;
    while (rest.length > 0) {
      if (left === 0) {
        const taken = rest.copy(header, headerBytes);
        headerBytes += taken;
        rest = rest.subarray(taken);
        if (headerBytes < HEADER_BYTES) break;
        headerBytes = 0;
        target = header[0] === STDERR ? errors : output;
        left = header.readUInt32BE(HEADER_BYTES - 4);
        continue;
      }
      const data = rest.subarray(0, left);
      left -= data.length;
      rest = rest.subarray(data.length);
      isTaken = target.write(data) && isTaken;
    }
    return isTaken;
  };
  const resume = () => {
    if (!output.writableNeedDrain && !errors.writableNeedDrain) socket.resume();
  };
  output.on("drain", resume);
  errors.on("drain", resume);
  const end = (error?: Error) => {
    const cause = error ?? (left > 0 || headerBytes > 0 ? new Error("the output was cut off") : undefined);
    for (const stream of [output, errors]) {
      if (cause) stream.destroy(cause);
      else stream.end();
    }
  };
  socket.on("data", (chunk: Buffer) => {
    if (!read(chunk)) socket.pause();
  });
  // Nothing is written to it, so an error is no sign of a command that does not read.
  socket.on("error", end);
  socket.once("end", () => end());
  socket.once("close", () => end());
  if (!read(Buffer.from(head))) socket.pause();
  else socket.resume();
  input.on("error", () => {});
  input.resume();
  const close = () => {
    socket.destroy();
    input.destroy();
  };
  return { input, output, errors, close };
}
