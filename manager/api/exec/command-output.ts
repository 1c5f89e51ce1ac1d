import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RunningCommand } from "../../../platform/images/commands.ts";

/** Returns what a command writes, the two streams together as they come. */
export function joinedOutput({ output, errors }: RunningCommand): Readable {
  if (errors === undefined) return output;
  const both = new PassThrough();
  const parts = [output, errors].map((stream) => pipeline(stream, both, { end: false }));
  Promise.all(parts).then(
    () => both.end(),
    (error: Error) => both.destroy(error),
  );
  return both;
}

/** What a command has written, as far as it is kept. */
export interface Written {
  readonly output: Buffer;
  readonly errors?: Buffer;
  readonly truncated: boolean;
}

/** Reads both streams to their end, and keeps the first `mostBytes` of each. */
export async function readOutput(
  { output, errors }: RunningCommand,
  limits: { readonly keptBytes: number; readonly mostBytes: number },
  overflow: () => void,
): Promise<Written> {
  let bytes = 0;
  let truncated = false;
  const read = async (stream: Readable): Promise<Buffer> => {
    const kept: Buffer[] = [];
    let room = limits.keptBytes;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.mostBytes) overflow();
      if (chunk.length > room) truncated = true;
      if (room > 0) kept.push(chunk.subarray(0, room));
      room -= Math.min(room, chunk.length);
    }
    return Buffer.concat(kept);
  };
  const [written, errorsWritten] = await Promise.all([read(output), errors && read(errors)]);
  return { output: written, ...(errorsWritten === undefined ? {} : { errors: errorsWritten }), truncated };
}

/** Returns the members of JSON for what was written: text, or base64 in a member of another name. */
export function jsonOutput({ output, errors, truncated }: Written): Readonly<Record<string, string>> {
  const members = (name: string, bytes: Buffer) => {
    const text = textOf(bytes, truncated);
    return text === undefined ? { [`${name}Base64`]: bytes.toString("base64") } : { [name]: text };
  };
  return { ...members("output", output), ...(errors === undefined ? {} : members("errors", errors)) };
}

/** Undefined for bytes that are not UTF-8. A character that the limit has cut is left out. */
function textOf(bytes: Buffer, mayBeCut: boolean): string | undefined {
  try {
    // With `stream` an incomplete character at the end is no error.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: mayBeCut });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
