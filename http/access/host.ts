import { isIPv4, isIPv6 } from "node:net";

const LABELS = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/;

/**
 * Returns the host of a `Host` header: a name in lower case, or an address without brackets. Undefined for forms that
 * programs interpret differently (`user@host`, `127.1`, an empty port), although RFC 3986 allows some of them.
 */
export function parseHost(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([-_a-z0-9.]{1,253}))(?::(\d{1,5}))?$/i.exec(header);
  const [, ipv6, host = "", port] = match ?? [];
  if (Number(port ?? 0) > 65_535) return undefined;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? canonicalIPv6(ipv6) : undefined;
  const name = host.toLowerCase();
  // URL parsers read every name whose last label is a number as an address: 127.1, 0x7f000001.
  const isNumber = /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name);
  return isIPv4(name) || (LABELS.test(name) && !isNumber) ? name : undefined;
}

/** True for `localhost`, `*.localhost` (RFC 6761), `127.0.0.0/8` and `::1`, which DNS cannot assign. */
export function isLoopbackHost(host: string): boolean {
  const lower = host.toLowerCase();
  if (lower.endsWith(".localhost")) return LABELS.test(lower);
  if (isIPv4(lower)) return lower.startsWith("127.");
  return lower === "localhost" || (isIPv6(lower) && canonicalIPv6(lower) === "::1");
}

function canonicalIPv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
