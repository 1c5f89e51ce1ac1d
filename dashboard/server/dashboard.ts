/** The listener of the dashboard: its page, its sign-in, and the way of the page to the public API. */
import { discardBody } from "../../http/discard-body.ts";
import { createRequestServer } from "../../http/programs/request-server.ts";
import { type Address, closeServer, listen } from "../../http/server.ts";
import type { DashboardOptions } from "./options.ts";
import type { RequestHandler } from "./route.ts";

export interface Dashboard {
  /**
   * Resolves with the port.
   * @throws Error with the system's `code`, such as EADDRINUSE
   */
  listen(address: Address): Promise<number>;
  close(options: { withinMs: number }): Promise<void>;
}

/** Creates the dashboard. Its first request loads the rest of it. */
export function createDashboard(options: DashboardOptions): Dashboard {
  const { limits, print } = options;
  let app: Promise<RequestHandler> | undefined;
  const load = async () => {
    const { createApp } = await import("./app.ts");
    return createApp(options);
  };
  const { server, lingering } = createRequestServer((request, response) => {
    app ??= load();
    app.then(
      (handler) => handler(request, response),
      (error: Error) => {
        // The next request tries again.
        app = undefined;
        print(`the dashboard cannot be loaded: ${error.message}`);
        response.once("close", () => discardBody(request));
        response.writeHead(500, { "content-length": 0 }).end();
      },
    );
  }, limits);
  return {
    listen: (address) => listen(server, address, print),
    close: ({ withinMs }) => closeServer(server, lingering, withinMs),
  };
}
