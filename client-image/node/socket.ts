import type { Duplex, Node } from "./types.ts";

/** What a socket of a call is made of. */
export interface SocketEnds {
  readonly remoteAddress: string;
  /** Takes bytes that the program writes. The next ones come after `done`. */
  write(chunk: Uint8Array, done: () => void): void;
  /** The program has written everything. */
  end(): void;
  /** The socket was destroyed: by the program, or with the call. */
  destroyed(error: Error | null): void;
}

/** Returns what Node's programs take for the connection of a call. It has no descriptor. */
export function callSocket({ Duplex }: Node, ends: SocketEnds): Duplex {
  const socket = new Duplex({ allowHalfOpen: true, emitClose: true });
  const returnsItself = () => socket;
  const address = { address: "0.0.0.0", family: "IPv4", port: 0 };
  Object.assign(socket, {
    ...{ remoteAddress: ends.remoteAddress, remotePort: 0, remoteFamily: familyOf(ends.remoteAddress) },
    ...{ localAddress: address.address, localPort: address.port, localFamily: address.family },
    ...{ encrypted: false, connecting: false, pending: false, timeout: 0 },
    ...{ bytesRead: 0, bytesWritten: 0, readyState: "open" },
    ...{ setTimeout: returnsItself, setNoDelay: returnsItself, setKeepAlive: returnsItself },
    ...{ ref: returnsItself, unref: returnsItself, address: () => address },
    destroySoon: () => socket.destroy(),
    _read: () => {},
    _write: (chunk: Uint8Array, _encoding: string, callback: () => void) =>
      ends.write(new Uint8Array(chunk), callback),
    _final: (callback: () => void) => {
      ends.end();
      callback();
    },
    _destroy: (error: Error | null, callback: (error: Error | null) => void) => {
      ends.destroyed(error);
      // Without a listener the error would be uncaught.
      callback(socket.listenerCount("error") > 0 ? error : null);
    },
  });
  return socket;
}

function familyOf(address: string): string {
  return address.includes(":") ? "IPv6" : "IPv4";
}
