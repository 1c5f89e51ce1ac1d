import type { Server as HttpServer, ServerOptions } from "node:http";
import type { Server } from "node:net";
import type { Limits } from "../platform/limits.ts";
import type { LingeringCloses } from "./lingering-close.ts";

/** Time for a client to send a header block, in milliseconds. */
export const HEADERS_MS = 15_000;
const KEEP_ALIVE_MS = 75_000;
const CHECK_MS = 1_000;
/** Time for clients to receive their last responses, in milliseconds. */
const LAST_RESPONSES_MS = 1_000;

export interface Address {
  /** 0 takes a free port. */
  readonly port: number;
  /** All addresses of the machine by default. */
  readonly host?: string | undefined;
  /** Lets other processes of this user listen on the same port (SO_REUSEPORT); false by default. */
  readonly reusePort?: boolean;
}

/** Returns the options of a server that clients reach. */
export function serverOptions({ headerBytes }: Limits, headersMs: number = HEADERS_MS): ServerOptions {
  return {
    maxHeaderSize: headerBytes,
    insecureHTTPParser: false,
    // The handler answers a missing Host with a problem document, instead of Node with an empty 400.
    requireHostHeader: false,
    headersTimeout: headersMs,
    // A body may take as long as it makes progress: the handler has a timer for it.
    requestTimeout: 0,
    // Longer than load balancers keep an idle connection (60 s), so that they close it first.
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(CHECK_MS, headersMs),
  };
}

/** Resolves with the port when the server listens. From then on its errors are printed. */
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

/** Closes a server and its connections, those that linger after `withinMs` or a second at most. */
export async function closeServer(server: HttpServer, lingering?: LingeringCloses, withinMs = 0) {
  await lingering?.settled(Math.min(withinMs, LAST_RESPONSES_MS));
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
