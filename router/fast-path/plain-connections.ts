import type { Socket } from "node:net";
import type { LingeringCloses } from "../../http/lingering-close.ts";
import { inOnePiece } from "../exchange/request-head.ts";
import type { Router } from "../router.ts";
import { PlainConnection } from "./plain-connection.ts";

export interface PlainConnectionsOptions {
  /** Closes connections after their last response. */
  readonly lingering: LingeringCloses;
  /** Largest head of a plain request, in bytes. */
  readonly headBytes: number;
  /** Time for which a connection is kept without a call, in milliseconds; the client is told. */
  readonly keepAliveMs: number;
  /** Time between two looks at all connections, in milliseconds. */
  readonly lookMs: number;
  readonly router: Pick<Router, "take">;
  /** Takes connections on which something else comes, with every byte of it still to be read. */
  readonly handOver: (socket: Socket) => void;
}

/** Clients are told a little less, so that they rarely write into the end of their connection. */
const GRACE_MS = 1_000;

/** As much as node reads at once. */
const READ_BYTES = 64 * 1024;

/** The connections of a server on which only plain requests have come yet. */
export class PlainConnections {
  readonly #options: PlainConnectionsOptions;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #all = new Set<PlainConnection>();
  readonly #mostLooks: number;
  readonly #keepAlive: string;
  #looking: NodeJS.Timeout | undefined;
  #date = "";
  #dateS = 0;
  readonly #getDate = () => this.#dateNow();
  readonly #onHandOver = (connection: PlainConnection) => {
    this.#forget(connection);
    this.#options.handOver(connection.socket);
  };
  readonly #onClose = (connection: PlainConnection) => this.#forget(connection);

  constructor(options: PlainConnectionsOptions) {
    this.#options = options;
    const { keepAliveMs, lookMs } = options;
    this.#mostLooks = Math.ceil((keepAliveMs + GRACE_MS) / lookMs);
    const seconds = Math.floor(keepAliveMs / 1_000);
    this.#keepAlive = inOnePiece(`Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`);
  }

  take(socket: Socket): void {
    const { headBytes, lingering, router } = this.#options;
    const [readBuffer, date, keepAlive] = [this.#readBuffer, this.#getDate, this.#keepAlive];
    const [onHandOver, onClose] = [this.#onHandOver, this.#onClose];
    const places = { socket, readBuffer, headBytes, lingering };
    this.#all.add(new PlainConnection({ ...places, date, keepAlive, router, onHandOver, onClose }));
    this.#looking ??= setInterval(() => this.#look(), this.#options.lookMs).unref();
  }

  /** Closes the connections that wait for their next request. */
  closeIdle(): void {
    for (const each of this.#all) if (each.isIdle && !each.isFresh) each.socket.destroy();
  }

  closeAll(): void {
    for (const each of this.#all) each.socket.destroy();
  }

  #look(): void {
    for (const each of this.#all) {
      if (!each.isIdle) continue;
      // Node's server counts the time that a client has for its first head, from here on.
      if (each.isFresh) each.handOver();
      else if (++each.idleLooks > this.#mostLooks) each.socket.destroy();
    }
  }

  #forget(connection: PlainConnection): void {
    this.#all.delete(connection);
    if (this.#all.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #dateNow(): string {
    const nowMs = Date.now();
    const nowS = Math.floor(nowMs / 1_000);
    if (nowS !== this.#dateS) {
      this.#dateS = nowS;
      this.#date = new Date(nowMs).toUTCString();
    }
    return this.#date;
  }
}
