import { setImmediate } from "node:timers/promises";

/** A client's end of a connection with one of the readers. */
export interface Channel {
  /** Names the connection for the router: the port of the client. */
  readonly port: number;
  /** All that the reader has sent, as Latin-1. */
  readonly output: string;
  /** The reader has ended its side, or has closed the connection. */
  readonly isClosed: boolean;
  /** The system has reset the connection: what the reader sent may be lost. */
  readonly isReset: boolean;
  /** Grows with everything that moves. */
  readonly activity: number;
  /** Bytes are on their way. */
  readonly isMoving: boolean;
  send(bytes: Buffer): void;
  /** The client ends its side. */
  finish(): void;
  /** The client is gone. */
  abort(): void;
}

/** Waits until `moves` has returned the same number for some turns of the event loop. */
export async function quiet(moves: () => number, isBusy: () => boolean, turns: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  let before = moves();
  for (let still = 0; still < turns; still++) {
    await setImmediate();
    const now = moves();
    if (now === before && !isBusy()) continue;
    if (performance.now() > deadline) throw new Error("a connection does not come to rest within 30 s");
    before = now;
    still = -1;
  }
}
