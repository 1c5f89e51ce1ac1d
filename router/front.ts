import { type Address, closeServer, listen } from "../http/server.ts";
import type { Env } from "../http/telemetry/otlp-settings.ts";
import { parseTrustedProxies } from "../http/trusted-proxies.ts";
import type { KeyTable } from "../platform/keys/key-table.ts";
import type { RouterOrders, RouterReport } from "../platform/usage/exchange.ts";
import type { MetricsSource } from "./metrics/metrics.ts";
import type { FunctionsOptions } from "./placement/version.ts";
import { Router } from "./router.ts";
import { CallServer } from "./server/call-server.ts";
import type { RequestHandler } from "./server/node-calls.ts";
import { limitConnections } from "./server/open-files.ts";
import { openTelemetry } from "./telemetry/telemetry.ts";

export interface FrontOptions extends FunctionsOptions {
  /** The keys that are accepted. The owner keeps them in step with the platform. */
  readonly keys: KeyTable;
  /** Settings of the access log, of traces and of trusted proxies. */
  readonly env: Env;
  /** Time for a client to send a header block, in milliseconds. */
  readonly headersMs?: number | undefined;
  /** Answers requests that are not below /fn; the router does by default. */
  readonly other?: RequestHandler | undefined;
}

/** Takes calls on a port, with a router in this process or in several workers (workers/workers.ts). */
export interface Front {
  /** The counters of its routers, added up. */
  readonly counted: MetricsSource;
  /** Resolves when every router has applied the platform's current endpoints; at once with one router. */
  caughtUp(): Promise<void>;
  /** Hands each router its order. Resolves with the reports of the routers that answer in time. */
  exchangeUsage(orders: RouterOrders): Promise<readonly RouterReport[]>;
  /** Returns whether every router has applied the newest endpoints of a function. */
  hasCaughtUp(name: string): boolean;
  /**
   * Resolves with the port.
   * @throws Error with the system's `code`, such as EADDRINUSE
   */
  listen(address: Address): Promise<number>;
  /** Closes each client's connection after its next response, so that the client opens a new one. */
  leave(): void;
  /** Refuses new calls with 503 `draining`; resolves when those in flight have ended or were broken off. */
  drain(options: { drainMs: number }): Promise<void>;
  /** Stops listening, closes every connection, and flushes access log and traces for at most `withinMs`. */
  close(options: { withinMs: number }): Promise<void>;
}

/**
 * Creates a front with a router in this process.
 * @throws Error with a text for the operator, see `openTelemetry` and `parseTrustedProxies`
 */
export async function createFrontAlone(options: FrontOptions): Promise<Front> {
  const { platform, limits, keys, print, env, headersMs, other } = options;
  const proxies = parseTrustedProxies(env.SKIFF_TRUST_PROXY);
  const telemetry = await openTelemetry(env, print);
  const router = new Router({ platform, limits, print, telemetry, proxies, keys });
  const server = new CallServer({ router, limits, headersMs, other });
  limitConnections(server, print);
  return {
    counted: { stats: () => router.stats(), totals: () => router.totals() },
    caughtUp: () => Promise.resolve(),
    exchangeUsage: async (orders) => [router.functions.sheet.report(orders)],
    hasCaughtUp: () => true,
    listen: (address) => listen(server, address, print),
    leave() {
      router.isLeaving = true;
    },
    drain: (options) => router.close(options),
    async close({ withinMs }) {
      await closeServer(server, server.lingering, withinMs);
      await telemetry.close({ withinMs });
    },
  };
}
