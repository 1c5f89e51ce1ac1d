import type { Socket } from "node:net";
import { flat } from "../exchange/request-head.ts";
import { PlainConnection, type SharedOptions } from "./plain-connection.ts";

export interface PlainConnectionsOptions
  extends Pick<SharedOptions, "router" | "lingering" | "headBytes" | "onBroken"> {
  /** Time for which a connection without a call stays open, in milliseconds; sent to the client. */
  readonly keepAliveMs: number;
  /** Time between two checks of all connections, in milliseconds. */
  readonly checkMs: number;
  /** Takes connections whose next request is not plain. */
  readonly handOver: (socket: Socket) => void;
}

/** Connections stay open a little longer than announced, so that clients rarely write to a closed one. */
const GRACE_MS = 1_000;

/** Bytes that Node reads at once. */
const READ_BYTES = 64 * 1024;
/** Time for the rest of a body to arrive after the response, in checks. */
const DISCARDING_CHECKS = 2;

/** The connections of a server that have carried plain requests only. */
export class PlainConnections {
  readonly #shared: SharedOptions;
  readonly #all = new Set<PlainConnection>();
  readonly #checkMs: number;
  readonly #mostChecks: number;
  #checking: NodeJS.Timeout | undefined;
  #date = "";
  #dateS = 0;

  constructor({ keepAliveMs, checkMs, handOver, ...options }: PlainConnectionsOptions) {
    this.#checkMs = checkMs;
    this.#mostChecks = Math.ceil((keepAliveMs + GRACE_MS) / checkMs);
    const seconds = Math.floor(keepAliveMs / 1_000);
    this.#shared = {
      ...options,
      readBuffer: Buffer.allocUnsafeSlow(READ_BYTES),
      date: () => this.#dateNow(),
      keepAlive: flat(`Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`),
      onHandOver: (connection) => {
        this.#remove(connection);
        handOver(connection.socket);
      },
      onClose: (connection) => this.#remove(connection),
    };
  }

  take(socket: Socket): void {
    this.#all.add(new PlainConnection(socket, this.#shared));
    this.#checking ??= setInterval(() => this.#check(), this.#checkMs).unref();
  }

  /** Closes the connections that wait for their next request. */
  closeIdle(): void {
    for (const each of this.#all) if (each.state === "idle" && !each.isFresh) each.socket.destroy();
  }

  closeAll(): void {
    for (const each of this.#all) each.socket.destroy();
  }

  #check(): void {
    for (const each of this.#all) {
      const { state } = each;
      if (state === "busy") continue;
      // Node's server limits the time for the first head and for the rest of one, from here on.
      if (state === "head" || each.isFresh) each.handOver();
      else if (state === "discarding") {
        if (++each.checks > DISCARDING_CHECKS) each.end();
      } else if (++each.checks > this.#mostChecks) each.socket.destroy();
    }
  }

  #remove(connection: PlainConnection): void {
    this.#all.delete(connection);
    if (this.#all.size > 0) return;
    clearInterval(this.#checking);
    this.#checking = undefined;
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
