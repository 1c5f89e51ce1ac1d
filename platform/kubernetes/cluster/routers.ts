import { request } from "undici";
import type { RouterLoad } from "../endpoints/load-table.ts";
import type { KubeApi } from "./api.ts";
import { delay, Mirror } from "./mirror.ts";
import { KINDS, type Pod } from "./resources.ts";

export const INTERNAL_PORT = 8081;
const ANSWER_MS = 1_000;
const SPREAD_MS = 3_000;
const SPREAD_PAUSE_MS = 10;

export interface RoutersOptions {
  readonly api: KubeApi;
  /** Namespace of the system. */
  readonly namespace: string;
  readonly labelSelector: string;
  /** What the routers know the manager by. */
  readonly token: string;
}

/** The router pods, asked one by one at their internal port. */
export class Routers {
  readonly #options: RoutersOptions;
  /** A deploy has no time to ask the API server who there is. */
  readonly #pods: Mirror<Pod>;

  constructor(options: RoutersOptions) {
    this.#options = options;
    const { api, namespace, labelSelector } = options;
    this.#pods = new Mirror<Pod>({
      api,
      labelSelector,
      place: { kind: KINDS.pods, namespace },
      onChange: () => {},
    });
  }

  close(): Promise<void> {
    return this.#pods.close();
  }

  /** Undefined if one of them does not answer: what it does not say may be a call. */
  async loads(signal: AbortSignal): Promise<readonly RouterLoad[] | undefined> {
    const addresses = await this.#addresses(signal);
    const loads = await Promise.all(addresses.map((host) => this.#ask<RouterLoad>(host, "/load", signal)));
    return loads.every((load) => load !== undefined) ? loads : undefined;
  }

  /** Resolves when every router sends the calls of a function to this version, or after three seconds. */
  async spread(name: string, version: number): Promise<void> {
    const signal = AbortSignal.timeout(SPREAD_MS);
    const isKnown = this.#pods.isSynced && this.#pods.trouble === undefined;
    const behind = new Set(isKnown ? addressesOf(this.#pods.values()) : await this.#addresses(signal));
    while (behind.size > 0 && !signal.aborted) {
      const asked = [...behind].map(async (host) => {
        const seen = await this.#ask<{ version: number | null }>(host, `/serving/${name}`, signal);
        // A router that does not answer takes no calls either.
        if (seen === undefined || (seen.version ?? 0) >= version) behind.delete(host);
      });
      await Promise.all(asked);
      if (behind.size > 0) await delay(SPREAD_PAUSE_MS, signal);
    }
  }

  async #addresses(signal: AbortSignal): Promise<string[]> {
    const { api, namespace, labelSelector } = this.#options;
    const { items } = await api.list<Pod>({ kind: KINDS.pods, namespace }, labelSelector, { signal });
    return addressesOf(items);
  }

  async #ask<T>(host: string, path: string, signal: AbortSignal): Promise<T | undefined> {
    const name = host.includes(":") ? `[${host}]` : host;
    try {
      const { statusCode, body } = await request(`http://${name}:${INTERNAL_PORT}${path}`, {
        headers: { authorization: `Bearer ${this.#options.token}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      const answer: unknown = await body.json();
      return statusCode === 200 ? (answer as T) : undefined;
    } catch (error) {
      if (error instanceof TypeError) throw error;
      return undefined;
    }
  }
}

/** Of those that run; one that is on its way out may have calls still. */
function addressesOf(pods: Iterable<Pod>): string[] {
  const running = [...pods].filter(({ status }) => status?.phase === "Running");
  return running.flatMap(({ status }) => status?.podIP ?? []);
}
