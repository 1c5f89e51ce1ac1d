import { Socket, type SocketConstructorOpts } from "node:net";

/** An internal member of Node's sockets. */
interface WithHandle {
  _handle?: object | null;
}

/**
 * Returns a new socket for an accepted connection that reads into `buffer`, as the option `onread` of Node's
 * `connect` does: servers have no such option, and Node allocates for every read. `accepted` must hold no unread
 * data. It is destroyed with the new socket, for servers that count connections.
 * @param onRead called with the number of bytes in `buffer`; returns false to stop reading
 * @returns undefined if the socket is closed or has no handle where Node 24 keeps it: it is unchanged then
 */
export function readInto(
  accepted: Socket,
  buffer: Buffer,
  onRead: (length: number) => boolean,
): Socket | undefined {
  const { _handle: handle } = accepted as unknown as WithHandle;
  if (handle === null || handle === undefined) return undefined;
  (accepted as unknown as WithHandle)._handle = null;
  const { allowHalfOpen } = accepted;
  const onread = { buffer, callback: onRead };
  const socket = new Socket({ handle, allowHalfOpen, onread } as object as SocketConstructorOpts);
  return socket.once("close", () => accepted.destroy());
}
