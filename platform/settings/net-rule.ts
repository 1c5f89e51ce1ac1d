import { isIPv4, isIPv6 } from "node:net";

/**
 * A permission to reach `public` (every public address) or one destination. A port limits the destination to that port.
 * IPv6 addresses are in brackets, as in a URL (RFC 3986).
 */
export type NetRule =
  | { readonly kind: "public" }
  | { readonly kind: "name"; readonly host: string; readonly port?: number }
  | { readonly kind: "range"; readonly base: string; readonly bits: number; readonly port?: number }
  | { readonly kind: "ipv6"; readonly host: string; readonly port?: number };

const HOST_NAME =
  /^(?=.{1,253}$)(\*\.)?([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$/i;

/** Returns undefined for an invalid rule. */
export function parseNetRule(text: string): NetRule | undefined {
  if (text === "public") return { kind: "public" };
  const match = /^(\[[^\]]+\]|[^:/[\]]+)(?:\/(\d{1,2}))?(?::(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const host = match[1]!;
  const port = match[3] === undefined ? {} : { port: Number(match[3]) };
  if (port.port !== undefined && (port.port < 1 || port.port > 65_535)) return undefined;
  if (isIPv4(host)) {
    const bits = Number(match[2] ?? 32);
    // Deno accepts a range or a port, not both.
    if (bits > 32 || (bits < 32 && port.port !== undefined)) return undefined;
    return { kind: "range", base: host, bits, ...port };
  }
  if (match[2] !== undefined) return undefined;
  if (host.startsWith("[")) return isIPv6(host.slice(1, -1)) ? { kind: "ipv6", host, ...port } : undefined;
  // WHATWG URL parses a host that ends in a number as an IPv4 address (127.1, 0x7f000001).
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/i.test(host)) return undefined;
  return HOST_NAME.test(host) ? { kind: "name", host: host.toLowerCase(), ...port } : undefined;
}
