import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Assets } from "../../../dashboard/server/assets.ts";
import { createDashboard } from "../../../dashboard/server/dashboard.ts";
import type { DashboardOptions } from "../../../dashboard/server/options.ts";
import { LoginToken } from "../../../dashboard/server/session/login-token.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";

/** A key of the right form. */
export const KEY = `sk_kaaaaaaaaa_${"A".repeat(43)}`;
export const SIGNED_IN = { authorization: `Bearer ${KEY}` };

const SCRIPT = Buffer.from("console.log(1);\n".repeat(50));
const ASSETS: Assets = {
  index: `<!doctype html><meta name="csp-nonce" content="__NONCE__"><script src="/assets/main-1.js"></script>`,
  get: (name) =>
    name === "main-1.js"
      ? { type: "text/javascript; charset=utf-8", body: SCRIPT, gzip: gzipSync(SCRIPT) }
      : undefined,
};

export interface StartedDashboard {
  readonly url: string;
  readonly port: number;
  /** The text of a login that was not used. */
  readonly login: string;
  /** What reached the servers behind it, besides the checks of credentials. */
  readonly received: IncomingMessage[];
  readonly lines: string[];
  close(): Promise<void>;
}

/** A dashboard in front of one server that stands for the API and the router. `listener` answers. */
export async function startedDashboard(
  listener: RequestListener,
  options: Partial<DashboardOptions> = {},
): Promise<StartedDashboard> {
  const received: IncomingMessage[] = [];
  const behind: Server = createServer((request, response) => {
    if (request.url === "/whoami") {
      response.end("{}");
      return;
    }
    received.push(request);
    listener(request, response);
  }).listen(0, "127.0.0.1");
  await once(behind, "listening");
  const base = `http://127.0.0.1:${(behind.address() as AddressInfo).port}`;
  const lines: string[] = [];
  const token = new LoginToken();
  const login = token.renew();
  const dashboard = createDashboard({
    targets: () => ({ manager: base, events: base, router: base }),
    limits: limitsFromEnv({}),
    version: "1.2.3",
    isLoopback: true,
    hasToken: false,
    takesIssued: true,
    namesClient: false,
    login: { token, createKey: async () => ({ key: KEY, expiresAt: "2030-01-01T00:00:00.000Z" }) },
    assets: async () => ASSETS,
    print: (line) => void lines.push(line),
    ...options,
  });
  const port = await dashboard.listen({ host: "127.0.0.1", port: 0 });
  return {
    url: `http://127.0.0.1:${port}`,
    ...{ port, login, received, lines },
    async close() {
      await dashboard.close({ withinMs: 0 });
      behind.closeAllConnections();
      behind.close();
    },
  };
}
