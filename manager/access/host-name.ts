import { isIPv4, isIPv6 } from "node:net";

/** A host as it stands in a `Host` header or a URL; an IPv6 address without its brackets. */
export interface HostName {
  readonly name: string;
  readonly port?: number;
}

const LABELS = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/;

/**
 * Reads `name`, `name:port` or `[IPv6]:port`. Stricter than RFC 3986: what is no name and no address in
 * its usual form (`user@host`, `127.1`, an empty port) is no host here, because such forms are read
 * differently by different programs.
 */
export function parseHost(text: string): HostName | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([-_a-z0-9.]{1,253}))(?::(\d{1,5}))?$/i.exec(text);
  if (!match) return undefined;
  const port = match[3] === undefined ? {} : { port: Number(match[3]) };
  if (port.port !== undefined && port.port > 65_535) return undefined;
  if (match[1] !== undefined)
    return isIPv6(match[1]) ? { name: canonicalIPv6(match[1]), ...port } : undefined;
  const name = match[2]!.toLowerCase();
  if (isIPv4(name)) return { name, ...port };
  // A last label of digits makes it a number for a URL parser (WHATWG URL): 127.1, 0x7f000001.
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return undefined;
  return LABELS.test(name) ? { name, ...port } : undefined;
}

/** True for `localhost`, `*.localhost` (RFC 6761), `127.0.0.0/8` and `::1`: names that DNS cannot give away. */
export function isLoopbackName(name: string): boolean {
  const lower = name.toLowerCase();
  if (lower === "localhost") return true;
  if (lower.endsWith(".localhost")) return LABELS.test(lower);
  if (isIPv4(lower)) return lower.startsWith("127.");
  return isIPv6(lower) && canonicalIPv6(lower) === "::1";
}

function canonicalIPv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
