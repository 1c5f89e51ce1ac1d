import { once } from "node:events";
import type { Script } from "../scripts/script.ts";
import type { Channel } from "./channel.ts";
import { Loopback } from "./loopback.ts";
import { type Outcome, play } from "./play.ts";
import { Reader } from "./reader.ts";
import { Wire } from "./wire.ts";

/** Turns of the event loop without a move after which nothing moves again. */
const MEMORY_TURNS = 3;
const LOOPBACK_TURNS = 12;

/** Changes the bytes that the fast path gets. */
export type Change = (bytes: string) => string;

export interface Lane {
  /** Returns what the fast path and what Node made of a script. */
  play(script: Script, change?: Change): Promise<readonly [fast: Outcome, node: Outcome]>;
  close(): Promise<void>;
}

/** Plays scripts in memory, one at a time. */
export class MemoryLane implements Lane {
  readonly #readers = [Reader.fast(), Reader.node()] as const;
  #port = 0;

  async play(script: Script, change?: Change): Promise<readonly [Outcome, Outcome]> {
    const port = ++this.#port;
    const channels = this.#readers.map((reader) => {
      reader.nameHost(script.hasHost);
      const wire = new Wire(port, script.isSlow);
      reader.connect(wire);
      return wire;
    });
    return playOn({ script, readers: this.#readers, channels, change, quietTurns: MEMORY_TURNS });
  }

  async close(): Promise<void> {}
}

/** Plays scripts over the system's sockets, any number at a time. There are no checks, and no host names. */
export class LoopbackLane implements Lane {
  readonly #readers = [Reader.fast(), Reader.node()] as const;

  static async open(): Promise<LoopbackLane> {
    const lane = new LoopbackLane();
    for (const { server } of lane.#readers) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    return lane;
  }

  async play(script: Script, change?: Change): Promise<readonly [Outcome, Outcome]> {
    const channels = await Promise.all(this.#readers.map((reader) => Loopback.open(reader, script.isSlow)));
    return playOn({
      script: unchecked(script),
      readers: this.#readers,
      channels,
      change,
      quietTurns: LOOPBACK_TURNS,
    });
  }

  async close(): Promise<void> {
    for (const { server } of this.#readers) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  }
}

interface Playing {
  readonly script: Script;
  readonly readers: readonly [fast: Reader, node: Reader];
  readonly channels: readonly Channel[];
  readonly change: Change | undefined;
  readonly quietTurns: number;
}

async function playOn({
  script,
  readers,
  channels,
  change,
  quietTurns,
}: Playing): Promise<readonly [Outcome, Outcome]> {
  const sides = readers.map((reader, i) => {
    const channel = channels[i]!;
    const recorder = reader.record(channel.port, script);
    return { reader, channel, recorder, change: i === 0 ? change : undefined };
  });
  const outcomes = await play(script, sides, { quietTurns });
  for (const { reader, channel } of sides) reader.forget(channel.port);
  return outcomes as [Outcome, Outcome];
}

/** A check concerns all connections of a reader. Without one, a head that has begun waits for its client's end. */
function unchecked(script: Script): Script {
  const gaps = script.gaps.map((gap) => (gap === "check" ? "settle" : gap));
  return { ...script, gaps, end: script.end === "open" ? "fin" : script.end };
}
