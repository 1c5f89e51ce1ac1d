import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isLoopbackHost, parseHost } from "../../../http/access/host.ts";
import { clientAddress } from "../../../http/client-address.ts";
import { connectionNames } from "../../../http/fields.ts";
import { endToEndFields, type Upstream } from "../../../http/programs/forward.ts";
import type { DashboardOptions } from "../options.ts";

/** Fields that name the page or the way of the request. The API would take them for those of a foreign page. */
const WITHHELD = new Set([
  ...["host", "origin", "referer", "cookie", "authorization", "te", "trailer", "http2-settings"],
  ...["via", "x-real-ip", "forwarded", "proxy-authorization", "x-skiff-key", "x-skiff-try"],
]);

/** Returns where a base URL leads. */
export function upstreamOf(base: string, timeoutMs: number): Upstream {
  const { hostname, port } = new URL(base);
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || 80), timeout: timeoutMs };
}

/** Returns the fields of a request of the page that the API may get. */
export function keptFields(request: IncomingMessage): string[] {
  const named = connectionNames(request.headers.connection);
  return endToEndFields(
    request,
    (name) =>
      WITHHELD.has(name) ||
      name.startsWith("sec-") ||
      name.startsWith("x-forwarded-") ||
      named?.has(name) === true,
  );
}

/** Returns the fields that every forwarded request gets. */
export function addedFields(request: IncomingMessage, base: string, options: DashboardOptions): string[] {
  const { namesClient, proxies } = options;
  const client = namesClient ? ["x-forwarded-for", clientAddress(request, proxies)] : [];
  return ["host", hostFor(request, base, options), ...client];
}

/**
 * Returns the host for URLs in answers: the host of the page with the port of the functions. A function can have any
 * name as its own host, and would then get the request with its credential. So only addresses and `localhost` are kept.
 */
function hostFor(request: IncomingMessage, base: string, { functionsUrl }: DashboardOptions): string {
  if (functionsUrl) return new URL(functionsUrl).host;
  const { host, port: own } = new URL(base);
  const { host: page = "" } = request.headers;
  const name = parseHost(page)!;
  // A Service has no port that browsers know: there the functions are behind the same Ingress as the page.
  const port = own || (/:(\d+)$/.exec(page)?.[1] ?? "");
  const authority = (text: string) => (port === "" ? text : `${text}:${port}`);
  if (isIP(name)) return authority(name.includes(":") ? `[${name}]` : name);
  return isLoopbackHost(name) ? authority("localhost") : host;
}
