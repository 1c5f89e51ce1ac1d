import type { IncomingMessage } from "node:http";
import { isLoopbackHost, parseHost } from "../../../http/access/host.ts";
import { Problem } from "../../../platform/problems.ts";
import type { DashboardOptions } from "../options.ts";

type Origins = Pick<DashboardOptions, "isLoopback" | "publicUrl">;

/**
 * Refuses requests that no page of the dashboard makes. A name that an attacker lets DNS resolve to this machine is no
 * host of the dashboard, and a page of a function is one of the same site at most.
 * @throws Problem `forbidden`, `invalid_request`
 */
export function requireOwnOrigin(request: IncomingMessage, origins: Origins): void {
  const { host: hosts = [], origin: given = [] } = request.headersDistinct;
  const { "sec-fetch-site": sites = [] } = request.headersDistinct;
  const host = hosts.length === 1 ? parseHost(hosts[0]!) : undefined;
  if (host === undefined) {
    throw new Problem("invalid_request", "Send exactly one Host header with a host and a port.");
  }
  const isPublic = isPublicHost(hosts[0]!, origins);
  if (!isPublic && !isOwnHost(host, origins)) throw wrongHost(origins);
  const own = isPublic ? [new URL(origins.publicUrl!).origin] : originsAt(hosts[0]!, origins);
  const isForeign =
    given.length > 1 ||
    given.some((origin) => !own.includes(origin)) ||
    sites.length > 1 ||
    sites.some((site) => site !== "same-origin" && site !== "none" && !isVisit(request));
  if (isForeign) {
    throw new Problem("forbidden", "The dashboard answers its own pages alone: open it in a tab of its own.");
  }
}

/** Returns the origin at which a browser that sent this request has the dashboard. */
export function originOf({ headers }: IncomingMessage, origins: Origins): string {
  const { origin, host = "" } = headers;
  if (isPublicHost(host, origins)) return new URL(origins.publicUrl!).origin;
  // Browsers name it when they post. It was compared with the host.
  return origin ?? `http://${host}`;
}

/** Whether the request is for the host of `SKIFF_DASHBOARD_URL`. */
function isPublicHost(host: string, { publicUrl }: Origins): boolean {
  if (publicUrl === undefined) return false;
  const own = new URL(publicUrl);
  return URL.parse(`${own.protocol}//${host}`)?.host === own.host;
}

function isOwnHost(host: string, { isLoopback, publicUrl }: Origins): boolean {
  return isLoopback ? isLoopbackHost(host) : publicUrl === undefined;
}

/** Accepts both schemes except on loopback, because a proxy may terminate TLS. */
function originsAt(host: string, { isLoopback }: Origins): (string | undefined)[] {
  const schemes = isLoopback ? ["http"] : ["http", "https"];
  return schemes.map((scheme) => URL.parse(`${scheme}://${host}`)?.origin);
}

/** Whether somebody follows a link to the dashboard from elsewhere, such as back from the issuer. */
function isVisit({ method, headers }: IncomingMessage): boolean {
  const { "sec-fetch-mode": mode, "sec-fetch-dest": destination } = headers;
  return method === "GET" && mode === "navigate" && destination === "document";
}

function wrongHost({ isLoopback, publicUrl }: Origins): Problem {
  const use = isLoopback
    ? "http://localhost or http://127.0.0.1 with its port"
    : `${publicUrl} (SKIFF_DASHBOARD_URL)`;
  return new Problem("forbidden", `The dashboard is not served at this Host: use ${use}.`);
}
