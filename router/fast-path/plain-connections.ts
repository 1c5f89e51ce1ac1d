import type { Socket } from "node:net";
import { flat } from "../exchange/request-head.ts";
import { PlainConnection, type SharedOptions } from "./plain-connection.ts";

export interface PlainConnectionsOptions
  extends Pick<SharedOptions, "router" | "lingering" | "headBytes" | "date" | "onIncomplete"> {
  /** Time for which a connection without a call stays open, in milliseconds; sent to the client. */
  readonly keepAliveMs: number;
  /** Time for the first byte of a connection to arrive, in milliseconds. */
  readonly headersMs: number;
  /** Time between two checks of all connections, in milliseconds. */
  readonly checkMs: number;
  /** Takes connections whose next request is not plain. */
  readonly handOver: (socket: Socket) => void;
}

/** Connections stay open a little longer than announced, so that clients rarely write to a closed one. */
const GRACE_MS = 1_000;

/** Bytes that Node reads at once. */
const READ_BYTES = 64 * 1024;
/** Time for the rest of a head to arrive, in checks. */
const HEAD_CHECKS = 1;
/** Time for the rest of a body to arrive after the response, in checks. */
const DISCARDING_CHECKS = 2;

/** The connections of a server that have carried plain requests only. */
export class PlainConnections {
  readonly #shared: SharedOptions;
  readonly #all = new Set<PlainConnection>();
  readonly #checkMs: number;
  /** Checks that a connection may wait for its next request, and for its first one. */
  readonly #mostChecks: number;
  readonly #freshChecks: number;
  #checking: NodeJS.Timeout | undefined;

  constructor({ keepAliveMs, headersMs, checkMs, handOver, ...options }: PlainConnectionsOptions) {
    this.#checkMs = checkMs;
    this.#mostChecks = Math.ceil((keepAliveMs + GRACE_MS) / checkMs);
    this.#freshChecks = Math.ceil(headersMs / checkMs);
    this.#shared = {
      ...options,
      readBuffer: Buffer.allocUnsafeSlow(READ_BYTES),
      keepAlive: flat(`Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1_000)}\r\n`),
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
      const checks = ++each.checks;
      if (state === "discarding") {
        if (checks > DISCARDING_CHECKS) each.end();
      } else if (state === "head") {
        // Node limits the time for the rest of a slow head, and refuses what cannot become one.
        if (checks > HEAD_CHECKS) each.handOver();
      } else if (each.isFresh) {
        if (checks > this.#freshChecks) each.refuse("late");
      } else if (checks > this.#mostChecks) each.socket.destroy();
    }
  }

  #remove(connection: PlainConnection): void {
    this.#all.delete(connection);
    if (this.#all.size > 0) return;
    clearInterval(this.#checking);
    this.#checking = undefined;
  }
}
