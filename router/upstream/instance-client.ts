import { PROBE_HEADER, PROBE_PATH } from "../../client-image/start-message.ts";
import type { Instance } from "../../platform/platform.ts";
import { UpstreamConnection, type UpstreamRequest, type UpstreamSink } from "./connection.ts";

/** Time for an address to accept a connection, in milliseconds. */
export const CONNECT_MS = 3_000;
/** Time that an instance is passed over after it refused a connection, in milliseconds. */
const ASIDE_MS = 500;
/**
 * Time in which the platform notices that an instance has ended, in milliseconds. An instance that is killed loses its
 * connections before its socket: calls that came in between would be lost with it, although none of their bytes was read.
 */
const DOUBT_MS = 500;
const IDLE_MS = 4_000;

const PROBE: UpstreamRequest = {
  method: "GET",
  text: `GET ${PROBE_PATH} HTTP/1.1\r\nhost: localhost\r\n${PROBE_HEADER}: 1\r\n`,
  body: undefined,
};

export interface InstanceClientOptions {
  readonly instance: Instance;
  /** Calls that the instance admits at once. */
  readonly concurrency: number;
  /** Largest header block of a response, in bytes. */
  readonly headerBytes: number;
  /** See `ConnectionOptions`. */
  readonly readBuffer: Buffer;
  /** A connection without a call is closed after once to twice this time; 4 s by default. */
  readonly idleMs?: number;
}

/**
 * One instance as the router uses it: its connections and the number of calls on it. Connections have no limit of their
 * own, because a call holds a place before it is sent.
 */
export class InstanceClient {
  readonly instance: Instance;
  readonly concurrency: number;
  /** Calls that this router has in flight on the instance. Changed by its version alone. */
  used = 0;
  /** Calls among them whose response has begun. Changed by the calls themselves. */
  streams = 0;
  readonly #options: InstanceClientOptions;
  readonly #all = new Set<UpstreamConnection>();
  /** The connection used last is used again first, so that surplus ones grow old. */
  readonly #idle: UpstreamConnection[] = [];
  #looking: NodeJS.Timeout | undefined;
  #isClosed = false;
  #reason: Error | undefined;
  #asideUntilMs = 0;
  #doubt: NodeJS.Timeout | undefined;
  #stopProbe: () => void = () => {};
  readonly #onFree = (connection: UpstreamConnection) => this.#freed(connection);
  readonly #onClose = (connection: UpstreamConnection) => this.#forget(connection);

  constructor(options: InstanceClientOptions) {
    this.#options = options;
    this.instance = options.instance;
    this.concurrency = options.concurrency;
  }

  get free(): number {
    return this.concurrency - this.used;
  }

  /** Sends a call over a free connection, or a new one. Returns the connection, for `pause` and `abort`. */
  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamConnection {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.send(request, sink)) return idle;
      idle.destroy();
    }
    const { instance, headerBytes, readBuffer } = this.#options;
    const [onFree, onClose] = [this.#onFree, this.#onClose];
    const { address } = instance;
    const options = { address, headerBytes, connectMs: CONNECT_MS, readBuffer, onFree, onClose };
    const fresh = new UpstreamConnection(options);
    this.#all.add(fresh);
    fresh.sendWhenConnected(request, sink);
    if (this.#reason !== undefined) fresh.destroy(this.#reason);
    return fresh;
  }

  /** Passes the instance over for a moment, because it refused a connection or had no place. */
  setAside(): void {
    this.#asideUntilMs = performance.now() + ASIDE_MS;
  }

  get isAside(): boolean {
    return this.#asideUntilMs !== 0 && performance.now() < this.#asideUntilMs;
  }

  /** Holds calls back until the instance answers a probe, or for a moment; then calls `onOver`. */
  doubt(onOver: () => void): void {
    if (this.#doubt !== undefined) return;
    const over = () => {
      if (this.#doubt === undefined) return;
      this.#trust();
      onOver();
    };
    this.#doubt = setTimeout(over, DOUBT_MS);
    const sink = new ProbeSink(over);
    const connection = this.send(PROBE, sink);
    this.#stopProbe = () => connection.abort(sink);
  }

  /** The instance broke a call off a moment ago and may be about to end. */
  get isDoubtful(): boolean {
    return this.#doubt !== undefined;
  }

  /** Closes the connections as they become free; calls under way may end. */
  close(): void {
    this.#trust();
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

  #trust(): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    // Nothing else would end a probe that is never answered, or never to its end.
    this.#stopProbe();
    this.#stopProbe = () => {};
  }

  #freed(connection: UpstreamConnection): void {
    if (this.#isClosed || this.#idle.length >= this.concurrency) {
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

/** Waits for any answer of an instance. */
class ProbeSink implements UpstreamSink {
  readonly #onAnswer: () => void;

  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer;
  }

  onHead(): void {
    this.#onAnswer();
  }

  onStart(): void {}
  onInformation(): void {}
  onData(): void {}
  onReadEnd(): void {}
  onEnd(): void {}
  /** No answer: the platform has the time that it needs to notice. */
  onError(): void {}
}
