import { request } from "undici";
import type { Endpoints, Traffic } from "../../platform.ts";
import { currentVersion, isSameTraffic, versionOf } from "../../traffic.ts";
import type { RouterOrders, RouterReport } from "../../usage/exchange.ts";
import type { RouterLoad } from "../endpoints/load-table.ts";
import type { Cluster } from "./api.ts";
import { delay, Mirror } from "./mirror.ts";
import { KINDS, type Pod } from "./resources.ts";

export const INTERNAL_PORT = 8081;
const ANSWER_MS = 1_000;
const SPREAD_MS = 3_000;
const SPREAD_PAUSE_MS = 10;
/** A removal waits no longer: instances of a removed function end soon. */
const FORGOTTEN_MS = 1_000;

/** `namespace` is the one of the routers. */
export interface RoutersOptions extends Cluster {
  readonly labelSelector: string;
  /** Authenticates the manager to the routers. */
  readonly token: string;
  /** INTERNAL_PORT by default. */
  readonly port?: number;
}

interface FetchOptions {
  readonly signal: AbortSignal;
  readonly body?: string;
}

/** Queries every router at its internal port. */
export class Routers {
  readonly #options: RoutersOptions;
  /** Mirrored, because a deploy should not wait for a list. */
  readonly #pods: Mirror<Pod>;

  constructor(options: RoutersOptions) {
    this.#options = options;
    const { api, namespace, labelSelector } = options;
    this.#pods = new Mirror<Pod>({ api, labelSelector, place: { kind: KINDS.pods, namespace } });
  }

  close(): Promise<void> {
    return this.#pods.close();
  }

  /** Resolves with undefined if a router does not answer, or is of an older Skiff that does not count by version. */
  async loads(signal: AbortSignal): Promise<readonly RouterLoad[] | undefined> {
    const addresses = await this.#addresses(signal);
    const loads = await Promise.all(
      addresses.map((host) => this.#fetch<Partial<RouterLoad>>(host, "/load", { signal })),
    );
    return loads.every((load) => load?.versions !== undefined) ? (loads as RouterLoad[]) : undefined;
  }

  /** Resolves when every router applies the traffic of a function, or after three seconds. */
  async spread(name: string, traffic: Traffic): Promise<void> {
    await this.#all(name, (serving) => obeys(serving, traffic), SPREAD_MS);
  }

  /** Resolves when no router has the function, or after a second. */
  async forgotten(name: string): Promise<void> {
    await this.#all(name, hasForgotten, FORGOTTEN_MS);
  }

  /** Exchanges usage with every router. Resolves with the reports of those that answer within a second. */
  async exchangeUsage(orders: RouterOrders, signal: AbortSignal): Promise<readonly RouterReport[]> {
    const addresses = await this.#addresses(signal);
    const body = JSON.stringify(orders);
    const reports = await Promise.all(
      addresses.map((host) => this.#fetch<RouterReport[]>(host, "/usage", { signal, body })),
    );
    return reports.flatMap((report) => report ?? []);
  }

  async #all(name: string, holds: (serving: Serving) => boolean, withinMs: number): Promise<void> {
    const signal = AbortSignal.timeout(withinMs);
    const behind = new Set(await this.#addresses(signal));
    while (behind.size > 0 && !signal.aborted) {
      const checks = [...behind].map(async (host) => {
        const serving = await this.#fetch<Serving>(host, `/serving/${name}`, { signal });
        // A router that does not answer takes no calls either.
        if (serving === undefined || holds(serving)) behind.delete(host);
      });
      await Promise.all(checks);
      if (behind.size > 0) await delay(SPREAD_PAUSE_MS, signal);
    }
  }

  async #addresses(signal: AbortSignal): Promise<string[]> {
    if (this.#pods.isSynced && this.#pods.trouble === undefined) return addressesOf(this.#pods.values());
    const { api, namespace, labelSelector } = this.#options;
    const { items } = await api.list<Pod>({ kind: KINDS.pods, namespace }, labelSelector, { signal });
    return addressesOf(items);
  }

  /** Posts `body` if there is one. */
  async #fetch<T>(host: string, path: string, { signal, body: sent }: FetchOptions): Promise<T | undefined> {
    const name = host.includes(":") ? `[${host}]` : host;
    try {
      const { token, port = INTERNAL_PORT } = this.#options;
      const { statusCode, body } = await request(`http://${name}:${port}${path}`, {
        method: sent === undefined ? "GET" : "POST",
        ...(sent === undefined ? {} : { body: sent }),
        headers: { authorization: `Bearer ${token}` },
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

/**
 * A router's answer for one function. Routers of an older Skiff omit `traffic` or `isKnown`; null means that nothing is
 * ready.
 */
export interface Serving {
  readonly version: number | null;
  readonly traffic?: Traffic | null;
  /** The router has the function. */
  readonly isKnown?: boolean;
}

/**
 * Builds the answer of a router from its endpoints: the traffic that it applies, once every version has an instance.
 * @param hasCaughtUp false if a process of the router may have older endpoints
 */
export function serving(endpoints: Endpoints | undefined, hasCaughtUp: boolean): Serving {
  const isKnown = endpoints !== undefined || !hasCaughtUp;
  const isReady = endpoints?.traffic.every(
    ({ version }) => (versionOf(endpoints, version)?.instances.length ?? 0) > 0,
  );
  if (!endpoints || !hasCaughtUp || !isReady || endpoints.traffic.length === 0)
    return { version: null, traffic: null, isKnown };
  return { version: currentVersion(endpoints.traffic)!, traffic: endpoints.traffic, isKnown };
}

export function obeys({ version, traffic: obeyed }: Serving, traffic: Traffic): boolean {
  if (obeyed === undefined) return version === currentVersion(traffic);
  return obeyed !== null && isSameTraffic(obeyed, traffic);
}

export function hasForgotten({ version, isKnown = version !== null }: Serving): boolean {
  return !isKnown;
}

/** Includes terminating pods, which may still have calls. */
function addressesOf(pods: Iterable<Pod>): string[] {
  const running = [...pods].filter(({ status }) => status?.phase === "Running");
  return running.flatMap(({ status }) => status?.podIP ?? []);
}
