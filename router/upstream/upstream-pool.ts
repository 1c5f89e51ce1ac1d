import type { Address } from "../../platform/platform.ts";
import { UpstreamConnection, type UpstreamSink } from "./connection.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

const IDLE_MS = 4_000;

export interface PoolOptions {
  readonly address: Address;
  readonly headerBytes: number;
  readonly connectMs: number;
  /** Connections that are kept while no call is on them. */
  readonly kept: number;
  readonly readBuffer: Buffer;
  /** A connection without a call is closed after once to twice this time; 4 s by default. */
  readonly idleMs?: number;
}

/**
 * The connections to one instance. It has no queue and no limit of its own: who calls holds a slot of the
 * instance, and there are as many slots as calls that the instance takes at once.
 */
export class UpstreamPool {
  readonly #options: PoolOptions;
  readonly #all = new Set<UpstreamConnection>();
  /** The last one used is the first one used again, so that those that are too many get old. */
  readonly #idle: UpstreamConnection[] = [];
  #looking: NodeJS.Timeout | undefined;
  #isClosed = false;
  #reason: Error | undefined;
  readonly #onFree = (connection: UpstreamConnection) => this.#freed(connection);
  readonly #onClose = (connection: UpstreamConnection) => this.#forget(connection);

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Sends a call over a connection that is free, or a new one. Gives the connection, for `pause` and `abort`. */
  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamConnection {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.send(request, sink)) return idle;
      idle.destroy();
    }
    const { address, headerBytes, connectMs, readBuffer } = this.#options;
    const [onFree, onClose] = [this.#onFree, this.#onClose];
    const fresh = new UpstreamConnection({ address, headerBytes, connectMs, readBuffer, onFree, onClose });
    this.#all.add(fresh);
    fresh.sendWhenConnected(request, sink);
    if (this.#reason !== undefined) fresh.destroy(this.#reason);
    return fresh;
  }

  /** Closes the connections as they become free. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#looking);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Breaks calls under way off with `reason`. */
  destroy(reason: Error): void {
    this.#reason = reason;
    this.close();
    for (const connection of this.#all) connection.destroy(reason);
  }

  #freed(connection: UpstreamConnection): void {
    if (this.#isClosed || this.#idle.length >= this.#options.kept) {
      connection.destroy();
      return;
    }
    this.#idle.push(connection);
    this.#looking ??= this.#lookLater();
  }

  #closeOld(): void {
    this.#looking = undefined;
    const young = this.#idle.filter((connection) => !connection.isOld);
    for (const connection of this.#idle) if (connection.isOld) connection.destroy();
    for (const connection of young) connection.isOld = true;
    this.#idle.splice(0, this.#idle.length, ...young);
    if (young.length > 0) this.#looking = this.#lookLater();
  }

  #lookLater(): NodeJS.Timeout {
    return setTimeout(() => this.#closeOld(), this.#options.idleMs ?? IDLE_MS).unref();
  }

  #forget(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}
