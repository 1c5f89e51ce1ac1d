import { once } from "node:events";
import net from "node:net";

export interface DeafOptions {
  /** Of this machine, or a connection that is there. */
  readonly to: number | net.Socket;
  /** What comes first, as Latin-1. */
  readonly head: string;
  /** What comes then, again and again. */
  readonly part: Buffer;
  readonly parts: number;
  /** Pause after each part, in milliseconds; without it they come as fast as they can. */
  readonly everyMs?: number;
  /** Called with the number of parts that were sent, from 0 on; awaited before the next one. */
  readonly onSent?: (parts: number) => Promise<void> | void;
}

/**
 * Everything that comes back to a client which reads nothing until it has sent all, as simple clients are; with the
 * error of its connection at the end, if there is one.
 */
export async function sendDeaf(options: DeafOptions): Promise<string> {
  const { to, head, part, parts, everyMs, onSent } = options;
  const socket = typeof to === "number" ? connectHalfOpen(to) : to;
  let text = "";
  const closed = new Promise<void>((resolve) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      text += `[${error.code}]`;
      resolve();
    });
    socket.once("end", resolve);
  });
  socket.pause();
  socket.write(head, "latin1");
  for (let sent = 0; sent < parts && !socket.destroyed; sent++) {
    await onSent?.(sent);
    const isTaken = socket.write(part);
    if (everyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, everyMs));
    else if (!isTaken) await Promise.race([once(socket, "drain"), closed]);
  }
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.resume();
  await closed;
  socket.destroy();
  return text;
}

/** A connection that the end of the other side does not end. */
export function connectHalfOpen(port: number): net.Socket {
  return net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
}
