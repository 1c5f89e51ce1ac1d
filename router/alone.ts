import { type Front, type FrontOptions, listen } from "./front.ts";
import { Router } from "./router.ts";
import { createCallServer, LAST_RESPONSES_MS } from "./server/call-server.ts";
import { limitConnections } from "./server/open-files.ts";
import { openTelemetry } from "./telemetry/telemetry.ts";

/**
 * A front whose router is in this process.
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
