import { LOOPBACK, urlOf } from "../../http/access/base-url.ts";
import { createDashboard } from "./dashboard.ts";
import type { DashboardOptions, SessionKey } from "./options.ts";
import { LoginToken } from "./session/login-token.ts";

export interface OpenOptions extends Omit<DashboardOptions, "login"> {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  /** Goes on without a dashboard if the port is in use. */
  readonly isOptional: boolean;
  /** Creates the key that the page keeps. */
  readonly createKey: () => Promise<SessionKey>;
}

export interface OpenedDashboard {
  readonly port: number;
  /** With a login for one browser in its fragment, which no server gets. */
  readonly url: string;
  close(options: { withinMs: number }): Promise<void>;
}

/**
 * Opens the dashboard of one machine, and prints its URL. Undefined if its port is in use and it is optional.
 * @throws Error with a text for the terminal
 */
export async function openDashboard(options: OpenOptions): Promise<OpenedDashboard | undefined> {
  const { host, port, isOptional, createKey, publicUrl, print } = options;
  const token = new LoginToken();
  const dashboard = createDashboard({ ...options, login: { token, createKey } });
  try {
    const bound = await dashboard.listen({ host, port });
    const base = publicUrl?.replace(/\/+$/, "") ?? urlOf(LOOPBACK.get(host) ?? host, bound);
    const url = `${base}/#login=${token.renew()}`;
    print(`  dashboard: ${url}`);
    return { port: bound, url, close: (options) => dashboard.close(options) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    const advice = "choose another one with --dashboard-port, or leave it out with --no-dashboard";
    if (!isOptional) throw new Error(`port ${port} of ${host} is in use: ${advice}.`);
    print(`  dashboard: none, because port ${port} of ${host} is in use; ${advice}`);
    return undefined;
  }
}
