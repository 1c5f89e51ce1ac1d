import { Socket } from "node:net";

/** Limits of one lingering connection. */
const LIMITS = {
  /** Time between two checks of all connections, in milliseconds. */
  checkMs: 500,
  /** Checks in a row without a byte from the client. */
  silentChecks: 4,
  /** Checks in all: half a minute. */
  mostChecks: 60,
  /** Bytes to read and discard. */
  mostBytes: 256 * 1024 ** 2,
};

export type LingeringLimits = Readonly<typeof LIMITS>;

interface Lingering {
  readonly mostBytes: number;
  checks: number;
  silentChecks: number;
  bytesRead: number;
}

/**
 * Closes connections whose client may still be sending. The system resets a connection that is closed with
 * unread bytes, and the reset destroys the response that is on its way. So this side ends first, then reads
 * and discards until the client ends as well, stops sending or exceeds a limit (RFC 9112 9.6).
 */
export class LingeringCloses {
  readonly #limits: LingeringLimits;
  readonly #all = new Map<Socket, Lingering>();
  #checking: NodeJS.Timeout | undefined;
  #settled: () => void = () => {};

  constructor(limits: Partial<LingeringLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Makes `destroySoon`, which Node's server calls after the last response, close the connection this way.
   * With `isDone` it does so only while the client may still be sending.
   */
  watch(socket: Socket, isDone: () => boolean = () => false): void {
    socket.destroySoon = () => this.close(socket, isDone());
  }

  /** @param isDone the client has announced that it sends no more */
  close(socket: Socket, isDone: boolean): void {
    if (isDone) Socket.prototype.destroySoon.call(socket);
    else this.#linger(socket);
  }

  /** Resolves when no connection lingers any more, or after `withinMs`. */
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
    const mostBytes = bytesRead + this.#limits.mostBytes;
    this.#all.set(socket, { mostBytes, checks: 0, silentChecks: 0, bytesRead });
    socket.once("close", () => this.#remove(socket));
    this.#checking ??= setInterval(() => this.#check(), this.#limits.checkMs).unref();
    socket.end();
    // Node's server parses what arrives until another listener takes its place.
    socket.removeAllListeners("data").removeAllListeners("end");
    socket.on("data", ignore).resume();
    // The server may have stopped reading without the stream's knowledge.
    socket._read(0);
  }

  #check(): void {
    const { silentChecks, mostChecks } = this.#limits;
    for (const [socket, each] of this.#all) {
      each.silentChecks = socket.bytesRead === each.bytesRead ? each.silentChecks + 1 : 0;
      each.bytesRead = socket.bytesRead;
      const isOver = each.silentChecks >= silentChecks || ++each.checks >= mostChecks;
      if (isOver || each.bytesRead > each.mostBytes) socket.destroy();
    }
  }

  #remove(socket: Socket): void {
    this.#all.delete(socket);
    if (this.#all.size > 0) return;
    clearInterval(this.#checking);
    this.#checking = undefined;
    this.#settled();
  }
}

function ignore(): void {}
