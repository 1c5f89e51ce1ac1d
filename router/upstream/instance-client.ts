import {
  GONE_HEADER,
  PLACE_HEADER,
  PROBE_HEADER,
  PROBE_PATH,
  WAIT_HEADER,
} from "../../client-image/start-message.ts";
import type { Instance } from "../../platform/platform.ts";
import {
  type ConnectionOptions,
  UpstreamConnection,
  type UpstreamRequest,
  type UpstreamSink,
} from "./connection.ts";
import { Doubt } from "./doubt.ts";
import { Probe } from "./probe.ts";

/** Time for an instance to acknowledge the end of a call, in milliseconds. */
const END_CALL_MS = 2_000;
const IDLE_MS = 4_000;
/** Foreign servers close connections that were idle for a few seconds, also while a call is on its way. */
const FOREIGN_IDLE_MS = 500;

export interface InstanceClientOptions {
  readonly instance: Instance;
  /** Calls that the instance admits at once. */
  readonly concurrency: number;
  /** It takes one call in its life; false by default. */
  readonly isOnce?: boolean | undefined;
  /** It knows nothing of probes and places; false by default. */
  readonly isForeign?: boolean | undefined;
  /** See `ConnectionOptions`. */
  readonly headerBytes: number;
  readonly readBuffer: Buffer;
  /** A connection without a call is closed after once to twice this time; 4 s by default, less for foreign ones. */
  readonly idleMs?: number;
}

/**
 * One instance as the router uses it: its connections and the number of calls on it. The number of
 * connections needs no limit of its own, because a call has a place before it is sent.
 */
export class InstanceClient {
  readonly instance: Instance;
  readonly concurrency: number;
  readonly isOnce: boolean;
  readonly isForeign: boolean;
  /** Calls that this router has in flight on the instance. Changed by its version alone. */
  used = 0;
  /** Calls among them whose response has begun. Changed by the calls themselves. */
  streams = 0;
  /** It has taken the one call of its life, from whichever router, and gets no other one. */
  isSpent = false;
  readonly #idleMs: number;
  readonly #connectionOptions: ConnectionOptions;
  readonly #all = new Set<UpstreamConnection>();
  /** The most recently used connection is used first, so that surplus ones grow old. */
  readonly #idle: UpstreamConnection[] = [];
  #checking: NodeJS.Timeout | undefined;
  #isClosed = false;
  #reason: Error | undefined;
  #doubt: Doubt | undefined;

  constructor(options: InstanceClientOptions) {
    const { instance, concurrency, isOnce = false, isForeign = false, headerBytes, readBuffer } = options;
    const { idleMs = isForeign ? FOREIGN_IDLE_MS : IDLE_MS } = options;
    this.isOnce = isOnce;
    this.isForeign = isForeign;
    this.instance = instance;
    this.concurrency = concurrency;
    this.#idleMs = idleMs;
    this.#connectionOptions = {
      address: instance.address,
      headerBytes,
      readBuffer,
      onFree: (connection) => this.#freed(connection),
      onClose: (connection) => this.#remove(connection),
    };
  }

  /** Marks an instance with one call in its life: bytes of a call may have reached it, or it has refused one. */
  spend(): void {
    this.isSpent = this.isOnce;
  }

  get free(): number {
    return this.isSpent ? 0 : this.concurrency - this.used;
  }

  /** Sends a call over a free connection or a new one. Returns the connection, for `pause` and `abort`. */
  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamConnection {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.send(request, sink)) return idle;
      idle.destroy();
    }
    const fresh = new UpstreamConnection(this.#connectionOptions);
    this.#all.add(fresh);
    fresh.sendWhenConnected(request, sink);
    if (this.#reason !== undefined) fresh.destroy(this.#reason);
    return fresh;
  }

  /** Reserves a place for a call whose body cannot be sent twice, and waits for it for `waitMs` at most. */
  reserve(callId: string, waitMs: number, probe: Probe): void {
    const wait = waitMs === 0 ? "" : `${WAIT_HEADER}: ${Math.floor(waitMs)}\r\n`;
    this.#probe(`${PLACE_HEADER}: ${callId}\r\n${wait}`, probe);
  }

  /** Notifies the instance of the end of a call: Deno misses broken connections, see docs/upstream.md. */
  endCall(callId: string): void {
    this.spend();
    if (this.isDoubtful || this.isForeign) return;
    const probe = new Probe(() => clearTimeout(timer));
    const timer = setTimeout(() => probe.abort(), END_CALL_MS);
    this.#probe(`${GONE_HEADER}: ${callId}\r\n`, probe);
  }

  /** Holds calls back until the instance answers a probe, or a foreign one accepts a connection; then calls `onOver`. */
  doubt(onOver: () => void): void {
    if (this.#isClosed) return;
    this.#doubt ??= new Doubt({
      send: (probe) => (this.isForeign ? this.#knock(probe) : this.#probe("", probe)),
      onOver: () => {
        this.#doubt = undefined;
        onOver();
      },
    });
  }

  /** The instance refused a connection or broke a call off, and has answered no probe since. */
  get isDoubtful(): boolean {
    return this.#doubt !== undefined;
  }

  /** Closes the connections as they become free; calls in flight can finish. */
  close(): void {
    this.#doubt?.end();
    this.#isClosed = true;
    clearTimeout(this.#checking);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Breaks calls in flight off with `reason`. */
  destroy(reason: Error): void {
    this.#reason = reason;
    this.close();
    for (const connection of this.#all) connection.destroy(reason);
  }

  /** @param fields lines that ask for more than a sign of life, see docs/concurrency.md */
  #probe(fields: string, probe: Probe): void {
    const text = `GET ${PROBE_PATH} HTTP/1.1\r\nhost: localhost\r\n${PROBE_HEADER}: 1\r\n${fields}`;
    probe.connection = this.send({ method: "GET", text, body: undefined }, probe);
  }

  /** Opens a connection, sends nothing and closes it. */
  #knock(probe: Probe): void {
    const fresh = new UpstreamConnection(this.#connectionOptions);
    this.#all.add(fresh);
    probe.connection = fresh;
    fresh.knock(probe);
  }

  #freed(connection: UpstreamConnection): void {
    if (this.#isClosed || this.isSpent || this.#idle.length >= this.concurrency) {
      connection.destroy();
      return;
    }
    this.#idle.push(connection);
    this.#checking ??= this.#checkLater();
  }

  #closeOld(): void {
    this.#checking = undefined;
    const young = this.#idle.filter((connection) => !connection.isOld);
    for (const connection of this.#idle) if (connection.isOld) connection.destroy();
    for (const connection of young) connection.isOld = true;
    this.#idle.splice(0, this.#idle.length, ...young);
    if (young.length > 0) this.#checking = this.#checkLater();
  }

  #checkLater(): NodeJS.Timeout {
    return setTimeout(() => this.#closeOld(), this.#idleMs).unref();
  }

  #remove(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}
