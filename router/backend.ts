import { Pool } from "undici";
import type { Address, Instance } from "../platform/platform.ts";
import type { VersionCounter } from "./version-counters.ts";

/** Time after which an address that does not accept a connection is given up, in milliseconds. */
export const CONNECT_MS = 3_000;
/** Time that a backend is passed over after it refused a connection. */
const ASIDE_MS = 500;

export interface BackendOptions {
  readonly instance: Instance;
  readonly version: VersionCounter;
  readonly connections: number;
  /** Largest header block of a response. */
  readonly headerBytes: number;
}

/** An instance as the router uses it: its connections and the calls that it works on now. */
export class Backend {
  readonly instance: Instance;
  /** Where its answers are counted. */
  readonly version: VersionCounter;
  readonly pool: Pool;
  /** Changed by its route alone. */
  inFlight = 0;
  #asideUntilMs = 0;

  constructor({ instance, version, connections, headerBytes }: BackendOptions) {
    this.instance = instance;
    this.version = version;
    this.pool = new Pool(originOf(instance.address), {
      ...("unix" in instance.address ? { socketPath: instance.address.unix } : {}),
      connections,
      pipelining: 1,
      maxHeaderSize: headerBytes,
      connectTimeout: CONNECT_MS,
      // A call has one timer of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  setAside(): void {
    this.#asideUntilMs = performance.now() + ASIDE_MS;
  }

  get isAside(): boolean {
    return this.#asideUntilMs !== 0 && performance.now() < this.#asideUntilMs;
  }

  /** Resolves when calls under way have ended. Does nothing once it is destroyed. */
  async close(): Promise<void> {
    if (!this.pool.destroyed) await this.pool.close();
  }

  /** Breaks calls under way off. */
  async destroy(reason: Error): Promise<void> {
    await this.pool.destroy(reason);
  }
}

function originOf(address: Address): string {
  if ("unix" in address) return "http://localhost";
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}`;
}
