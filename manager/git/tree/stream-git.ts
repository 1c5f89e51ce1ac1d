import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Git, GitOptions } from "../program/git.ts";

export interface StreamOptions extends GitOptions {
  /** Standard input, which is made as git reads it. */
  readonly feed?: () => Iterable<Uint8Array | string>;
}

const ENOUGH = new Error("The output was read as far as needed");

/**
 * Runs a command of git whose output `read` takes as it comes. The command is killed if `read` throws, or returns
 * before the end. A `read` that comes to the end of the output returns: if git failed, its own error counts.
 */
export async function streamGit<T>(
  git: Git,
  args: readonly string[],
  options: StreamOptions,
  read: (output: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { feed, input, ...rest } = options;
  const stop = new AbortController();
  const signal = rest.signal ? AbortSignal.any([rest.signal, stop.signal]) : stop.signal;
  const running = git.start(args, { ...rest, signal });
  const fed = feed ? pipeline(Readable.from(feed()), running.stdin) : undefined;
  if (!fed) running.stdin.end(input);
  // A command that fails closes its input. Then its exit code is the error.
  const unread = fed?.then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    const result = await read(running.stdout);
    if (!running.stdout.readableEnded) stop.abort(ENOUGH);
    await running.ended.catch((error: unknown) => {
      if (error !== ENOUGH) throw error;
    });
    const error = await unread;
    if (error !== undefined && !stop.signal.aborted) throw error;
    return result;
  } catch (error) {
    stop.abort(error);
    await running.ended.catch(() => {});
    await unread;
    throw error;
  }
}

/**
 * Splits output at its NUL characters.
 * @param mostBytes a longer record is cut there, and the rest of it skipped
 */
export async function* records(output: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const add = (part: Uint8Array) => {
    const kept = part.subarray(0, mostBytes - bytes);
    if (kept.length === 0) return;
    parts.push(kept);
    bytes += kept.length;
  };
  for await (const chunk of output) {
    let from = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, from)) {
      add(chunk.subarray(from, end));
      yield parts.length === 1 ? viewOf(parts[0]!) : Buffer.concat(parts);
      parts = [];
      bytes = 0;
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
