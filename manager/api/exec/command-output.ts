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

/** Reads both streams to their end, and keeps the first `mostBytes` of each. */
export async function readOutput(
  { output, errors }: RunningCommand,
  limits: { readonly keptBytes: number; readonly mostBytes: number },
  overflow: () => void,
): Promise<{ output: string; errors?: string; truncated: boolean }> {
  let bytes = 0;
  let truncated = false;
  const read = async (stream: Readable): Promise<string> => {
    const kept: Buffer[] = [];
    let room = limits.keptBytes;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.mostBytes) overflow();
      if (chunk.length > room) truncated = true;
      if (room > 0) kept.push(chunk.subarray(0, room));
      room -= Math.min(room, chunk.length);
    }
    return Buffer.concat(kept).toString();
  };
  const [text, errorText] = await Promise.all([read(output), errors && read(errors)]);
  return { output: text, ...(errorText === undefined ? {} : { errors: errorText }), truncated };
}
