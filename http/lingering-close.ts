import { Socket } from "node:net";

/** How long a connection may linger. */
export interface LingeringBounds {
  /** Time between two looks at all of them, in milliseconds; 500 by default. */
  readonly lookMs: number;
  /** A client that sends nothing for so many looks has stopped; 4 by default. */
  readonly silentLooks: number;
  /** Most looks for one connection; 60 by default, which is half a minute. */
  readonly mostLooks: number;
  /** Most bytes that are read and discarded on one connection; 256 MiB by default. */
  readonly mostBytes: number;
}

const BOUNDS: LingeringBounds = { lookMs: 500, silentLooks: 4, mostLooks: 60, mostBytes: 256 * 1024 ** 2 };

interface Lingering {
  readonly mostBytes: number;
  looks: number;
  silentLooks: number;
  bytesRead: number;
}

/**
 * Closes connections whose client may still be sending. The system resets a connection that is closed with bytes that
 * nobody has read, and the reset destroys the response that is on its way. So this side only ends first; what comes is
 * read and discarded until the client ends as well, stops sending, or has sent for too long (RFC 9112 9.6).
 */
export class LingeringCloses {
  readonly #bounds: LingeringBounds;
  readonly #all = new Map<Socket, Lingering>();
  #looking: NodeJS.Timeout | undefined;
  #settled: () => void = () => {};

  constructor(bounds: Partial<LingeringBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  /**
   * From now on `destroySoon`, which node's server calls after the last response, closes the connection this way; with
   * `isDone` only where the client may still be sending.
   */
  watch(socket: Socket, isDone: () => boolean = () => false): void {
    socket.destroySoon = () => this.close(socket, isDone());
  }

  /** @param isDone the client has said that it sends no more */
  close(socket: Socket, isDone: boolean): void {
    if (isDone) Socket.prototype.destroySoon.call(socket);
    else this.#linger(socket);
  }

  /** Resolves when none lingers any more, or after `withinMs`. */
  async settled(withinMs: number): Promise<void> {
    if (this.#all.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settled = resolve;
    const timer = setTimeout(resolve, withinMs);
    await promise;
    clearTimeout(timer);
  }

  #linger(socket: Socket): void {
    if (socket.destroyed || this.#all.has(socket)) return;
    const { bytesRead } = socket;
    const mostBytes = bytesRead + this.#bounds.mostBytes;
    this.#all.set(socket, { mostBytes, looks: 0, silentLooks: 0, bytesRead });
    socket.once("close", () => this.#forget(socket));
    this.#looking ??= setInterval(() => this.#look(), this.#bounds.lookMs).unref();
    socket.end();
    // What comes is not parsed any more: node's server reads by itself until somebody else listens.
    socket.removeAllListeners("data").removeAllListeners("end");
    socket.on("data", ignore).resume();
    // The server may have stopped the reading behind the stream's back.
    socket._read(0);
  }

  #look(): void {
    const { silentLooks, mostLooks } = this.#bounds;
    for (const [socket, each] of this.#all) {
      each.silentLooks = socket.bytesRead === each.bytesRead ? each.silentLooks + 1 : 0;
      each.bytesRead = socket.bytesRead;
      const isOver = each.silentLooks >= silentLooks || ++each.looks >= mostLooks;
      if (isOver || each.bytesRead > each.mostBytes) socket.destroy();
    }
  }

  #forget(socket: Socket): void {
    this.#all.delete(socket);
    if (this.#all.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
    this.#settled();
  }
}

function ignore(): void {}
