import { Socket, type SocketConstructorOpts } from "node:net";

/** What node says of `handle` in its own code, and of none of it in its documentation. */
interface WithHandle {
  _handle?: object | null;
}

/**
 * The socket of an accepted connection, made anew so that what arrives is read into `buffer`, as `onread` of node's
 * `connect` does: node has no such option for a server, and allocates for every read. `accepted` must
 * hold nothing that it has read, and ends when the other does, for those who count it.
 * @param onRead is told how many bytes are in `buffer`; false stops the reading
 * @returns undefined for a socket that is closed, or whose handle is not where node has it today: it stays as it is
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
