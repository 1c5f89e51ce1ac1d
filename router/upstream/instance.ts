import { PROBE_HEADER, PROBE_PATH } from "../../client-image/start-message.ts";
import type { Instance } from "../../platform/platform.ts";
import { renderFields } from "../headers/render-fields.ts";
import type { VersionCounter } from "../metrics/version-counters.ts";
import { LifeSign } from "../placement/life-sign.ts";
import { UpstreamPool } from "./upstream-pool.ts";
import { renderLine } from "./upstream-request.ts";

/** Time after which an address that does not accept a connection is given up, in milliseconds. */
export const CONNECT_MS = 3_000;
/** Time that a backend is passed over after it refused a connection. */
const ASIDE_MS = 500;
/**
 * Time in which the platform sees that an instance has ended. One that is killed loses its connections before its
 * socket: calls that came in between would be lost with it, although no byte of them had been read.
 */
const DOUBT_MS = 500;

const PROBE = {
  method: "GET",
  head: `${renderLine("GET", PROBE_PATH)}${renderFields(["host", "localhost", PROBE_HEADER, "1"])}`,
  body: undefined,
  isChunked: false,
};

export interface BackendOptions {
  readonly instance: Instance;
  readonly version: VersionCounter;
  /** Calls that the instance takes at once. */
  readonly concurrency: number;
  /** Largest header block of a response. */
  readonly headerBytes: number;
  /** See `UpstreamPool`. */
  readonly readBuffer: Buffer;
}

/** An instance as the router uses it: its connections and the calls that it works on now. */
export class Backend {
  readonly instance: Instance;
  /** Where its answers are counted. */
  readonly version: VersionCounter;
  readonly pool: UpstreamPool;
  /** Calls that the instance takes at once. */
  readonly concurrency: number;
  /** Calls that this router has in flight on it. Changed by the function's route alone. */
  used = 0;
  /** Calls whose response has begun. Changed by the calls themselves. */
  streams = 0;
  #asideUntilMs = 0;
  #doubt: NodeJS.Timeout | undefined;
  #stopProbe: () => void = () => {};

  constructor({ instance, version, concurrency, headerBytes, readBuffer }: BackendOptions) {
    this.instance = instance;
    this.version = version;
    this.concurrency = concurrency;
    const { address } = instance;
    const connectMs = CONNECT_MS;
    this.pool = new UpstreamPool({ address, headerBytes, connectMs, kept: concurrency, readBuffer });
  }

  get free(): number {
    return this.concurrency - this.used;
  }

  setAside(): void {
    this.#asideUntilMs = performance.now() + ASIDE_MS;
  }

  get isAside(): boolean {
    return this.#asideUntilMs !== 0 && performance.now() < this.#asideUntilMs;
  }

  /** Holds calls back until the instance gives a sign of life, or for a moment; then `onOver` is called. */
  doubt(onOver: () => void): void {
    if (this.#doubt !== undefined) return;
    const over = () => {
      if (this.#doubt === undefined) return;
      this.#trust();
      onOver();
    };
    this.#doubt = setTimeout(over, DOUBT_MS);
    const sign = new LifeSign(over);
    const connection = this.pool.send(PROBE, sign);
    this.#stopProbe = () => connection.abort(sign);
  }

  get isDoubtful(): boolean {
    return this.#doubt !== undefined;
  }

  /** Calls under way may end. */
  close(): void {
    this.#trust();
    this.pool.close();
  }

  /** Breaks calls under way off. */
  destroy(reason: Error): void {
    this.#trust();
    this.pool.destroy(reason);
  }

  #trust(): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    // Nobody else would end one that is never answered, or never to its end.
    this.#stopProbe();
    this.#stopProbe = () => {};
  }
}
