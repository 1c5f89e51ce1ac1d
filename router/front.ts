import type { Server } from "node:net";
import type { Limits } from "../platform/limits.ts";
import type { Platform } from "../platform/platform.ts";
import type { MetricsSource } from "./metrics/metrics.ts";
import type { RouterPlatform } from "./placement/version.ts";
import type { RequestHandler } from "./server/node-calls.ts";
import type { TelemetryOptions } from "./telemetry/telemetry.ts";

export interface FrontOptions {
  readonly platform: RouterPlatform & Pick<Platform, "allEndpoints">;
  readonly limits: Limits;
  /** Takes one line for people. */
  readonly print: (line: string) => void;
  /** Where the settings of what is seen of calls are read. */
  readonly env: TelemetryOptions["env"];
  /** Time that a client has to send a header block, in milliseconds. */
  readonly headersMs?: number;
  /** Answers what is no call; without it the router does. */
  readonly other?: RequestHandler;
}

export interface Address {
  /** 0 takes a free one. */
  readonly port: number;
  /** All addresses of the machine unless given. */
  readonly host?: string;
}

/** What takes calls at a port: a router in this process (alone.ts), or in several (workers.ts). */
export interface Front {
  /** What its routers have counted, together. */
  readonly counted: MetricsSource;
  /** Resolves when every router goes by what the platform says now; at once if there is but one. */
  caughtUp(): Promise<void>;
  /** True if every router goes by the newest endpoints of this function. */
  hasCaughtUp(name: string): boolean;
  /**
   * Gives the port.
   * @throws Error with the system's `code`, such as EADDRINUSE
   */
  listen(address: Address): Promise<number>;
  /** Clients are to come back over new connections. */
  leave(): void;
  /** Refuses new calls with 503 `draining`; resolves when those under way have ended, or were broken off. */
  drain(options: { drainMs: number }): Promise<void>;
  /** Stops listening, closes every connection, and writes for at most `withinMs` what is held of what was seen. */
  close(options: { withinMs: number }): Promise<void>;
}

/** Resolves with the port once the server listens; from then on errors of it are printed. */
export function listen(
  server: Server,
  { port, host }: Address,
  print: (line: string) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off("error", reject);
      server.on("error", (error) => print(`the server failed: ${error.message}`));
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
