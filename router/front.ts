import type { Server } from "node:net";
import type { Limits } from "../platform/limits.ts";
import type { MetricsSource } from "./metrics/metrics.ts";
import type { RouterPlatform } from "./placement/version.ts";
import { Router } from "./router.ts";
import { createCallServer, LAST_RESPONSES_MS } from "./server/call-server.ts";
import type { RequestHandler } from "./server/node-calls.ts";
import { limitConnections } from "./server/open-files.ts";
import { openTelemetry, type TelemetryOptions } from "./telemetry/telemetry.ts";

export interface FrontOptions {
  readonly platform: RouterPlatform;
  readonly limits: Limits;
  /** Takes one line for people. */
  readonly print: (line: string) => void;
  /** Holds the settings of the access log and of traces. */
  readonly env: TelemetryOptions["env"];
  /** Time that a client has to send a header block, in milliseconds. */
  readonly headersMs?: number | undefined;
  /** Answers requests that are not below /fn; the router does by default. */
  readonly other?: RequestHandler | undefined;
}

export interface Address {
  /** 0 takes a free one. */
  readonly port: number;
  /** All addresses of the machine by default. */
  readonly host?: string | undefined;
  /** Lets other processes of this user listen on the same port (SO_REUSEPORT); false by default. */
  readonly reusePort?: boolean;
}

/** What takes calls on a port: a router in this process, or several in processes of their own (workers/workers.ts). */
export interface Front {
  /** The counters of its routers, added up. */
  readonly counted: MetricsSource;
  /** Resolves when every router has applied the platform's current endpoints; at once if there is one router. */
  caughtUp(): Promise<void>;
  /** True if every router has applied the newest endpoints of this function. */
  hasCaughtUp(name: string): boolean;
  /**
   * Resolves with the port.
   * @throws Error with the system's `code`, such as EADDRINUSE
   */
  listen(address: Address): Promise<number>;
  /** Closes each client's connection after its next response, so that the client opens a new one. */
  leave(): void;
  /** Refuses new calls with 503 `draining`; resolves when those under way have ended, or were broken off. */
  drain(options: { drainMs: number }): Promise<void>;
  /** Stops listening, closes every connection, and flushes access log and traces for at most `withinMs`. */
  close(options: { withinMs: number }): Promise<void>;
}

/**
 * Creates a front whose router is in this process.
 * @throws Error in words for the person who started it, see `openTelemetry`
 */
export async function createFrontAlone(options: FrontOptions): Promise<Front> {
  const { platform, limits, print, env, headersMs, other } = options;
  const telemetry = await openTelemetry({ env, print });
  const router = new Router({ platform, limits, print, telemetry });
  const server = createCallServer({ router, limits, headersMs, other });
  limitConnections(server, print);
  return {
    counted: { stats: () => router.stats(), totals: () => router.totals() },
    caughtUp: () => Promise.resolve(),
    hasCaughtUp: () => true,
    listen: (address) => listen(server, address, print),
    leave() {
      router.isLeaving = true;
    },
    drain: (options) => router.close(options),
    async close({ withinMs }) {
      await server.lingering.settled(Math.min(withinMs, LAST_RESPONSES_MS));
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await telemetry.close({ withinMs });
    },
  };
}

/** Resolves with the port once the server listens; from then on its errors are printed. */
export function listen(server: Server, address: Address, print: (line: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => {
      server.off("error", reject);
      server.on("error", (error) => print(`the server failed: ${error.message}`));
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : address.port);
    });
  });
}
