import { type Front, type FrontOptions, listen } from "./front.ts";
import { createRouter } from "./router.ts";
import { createCallServer, LAST_RESPONSES_MS } from "./server/call-server.ts";
import { limitConnections } from "./server/open-files.ts";
import { openSeeing } from "./telemetry/telemetry.ts";

/**
 * A front whose router is in this process.
 * @throws Error in words for the person who started it, see `openSeeing`
 */
export async function createFrontAlone(options: FrontOptions): Promise<Front> {
  const { platform, limits, print, env, headersMs, other } = options;
  const seeing = await openSeeing({ env, print });
  let isLeaving = false;
  const router = createRouter({ platform, limits, print, seeing });
  const server = createCallServer({ router, limits, headersMs, other, isLeaving: () => isLeaving });
  limitConnections(server, print);
  return {
    counted: router,
    caughtUp: () => Promise.resolve(),
    hasCaughtUp: () => true,
    listen: (address) => listen(server, address, print),
    leave() {
      isLeaving = true;
    },
    drain: (options) => router.close(options),
    async close({ withinMs }) {
      await server.lingering.settled(Math.min(withinMs, LAST_RESPONSES_MS));
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await seeing.close({ withinMs });
    },
  };
}
