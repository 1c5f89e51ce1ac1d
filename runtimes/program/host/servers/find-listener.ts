import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Where a server may listen. */
export type ServerAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;

/** The addresses of a port of this machine. A server that listens on `localhost` may have only one of them. */
export function portAddresses(port: number): readonly ServerAddress[] {
  return ["127.0.0.1", "::1"].map((host) => ({ host, port }));
}

/** Resolves with the first of the addresses that accepts a connection. Whoever waits for it has the deadline. */
export async function findListener(
  addresses: readonly ServerAddress[],
  signal: AbortSignal,
): Promise<ServerAddress> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5)) {
    for (const address of addresses) if (await accepts(address)) return address;
    await pause(pauseMs, undefined, { signal });
  }
}

function accepts(address: ServerAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect(address);
    const end = (isAccepted: boolean) => {
      socket.destroy();
      resolve(isAccepted);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
