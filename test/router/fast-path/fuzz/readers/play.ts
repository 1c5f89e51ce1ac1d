import { setImmediate } from "node:timers/promises";
import type { Script } from "../scripts/script.ts";
import { type Channel, quiet } from "./channel.ts";
import type { Reader } from "./reader.ts";
import type { Recorder, Seen } from "./recorder.ts";

/** What came of a script at one of the readers. */
export interface Outcome {
  readonly seen: readonly (Omit<Seen, "parts"> & { readonly body: string })[];
  readonly output: string;
  /** The reader has closed the connection, before its client was gone. */
  readonly isClosed: boolean;
  /** See `Channel`. */
  readonly isReset: boolean;
  /** Calls that never ended. */
  readonly unended: number;
}

/** One reader with a connection. */
export interface Side {
  readonly reader: Reader;
  readonly channel: Channel;
  readonly recorder: Recorder;
  /** Changes the bytes before they are sent, for tests of the comparison. */
  readonly change?: ((bytes: string) => string) | undefined;
}

export interface PlayOptions {
  /** Turns of the event loop in which nothing moves, after which nothing will. */
  readonly quietTurns: number;
}

/** Plays a script on connections of all sides at once. */
export async function play(
  script: Script,
  sides: readonly Side[],
  { quietTurns }: PlayOptions,
): Promise<Outcome[]> {
  const moves = () =>
    sides.reduce((sum, { channel, recorder }) => sum + channel.activity + recorder.activity, 0);
  const isBusy = () => sides.some(({ channel, recorder }) => channel.isMoving || recorder.pending > 0);
  const settle = async () => {
    do await quiet(moves, isBusy, quietTurns);
    while (sides.map(({ recorder }) => recorder.release()).includes(true));
  };
  const ends = [...script.cuts, script.bytes.length];
  for (const [i, end] of ends.entries()) {
    const gap = script.gaps[i];
    if (gap === "turn") await setImmediate();
    else if (gap !== "none") await settle();
    if (gap === "check") for (const { reader } of sides) reader.check();
    const part = script.bytes.slice(ends[i - 1] ?? 0, end);
    for (const { channel, change } of sides) channel.send(Buffer.from(change?.(part) ?? part, "latin1"));
  }
  if (script.end === "open" || script.end === "fin") await settle();
  // A head that has begun goes to Node.
  if (script.end === "open") for (const { reader } of sides) reader.check();
  for (const { channel } of sides) {
    if (script.end === "destroy") channel.abort();
    else if (script.end !== "open") channel.finish();
  }
  await settle();
  const isClosed = sides.map(({ channel }) => channel.isClosed);
  const isReset = sides.map(({ channel }) => channel.isReset);
  for (const { channel } of sides) channel.abort();
  await settle();
  return sides.map(({ channel, recorder }, i) => ({
    seen: recorder.seen.map(({ parts, ...seen }) => ({
      ...seen,
      body: Buffer.concat(parts).toString("latin1"),
    })),
    output: channel.output,
    isClosed: isClosed[i]!,
    isReset: isReset[i]!,
    unended: recorder.unended,
  }));
}
