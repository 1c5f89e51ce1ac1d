import { isIP } from "node:net";
import type { Families } from "./routes.ts";

/** How names are resolved inside of a network. */
export interface Resolver {
  /** Addresses that are asked over the network. */
  readonly nameservers: readonly string[];
  /** A server on this machine's 127.0.0.1 is asked: its port 53 must be open inside. */
  readonly onLoopback: boolean;
  /** The text of resolv.conf. */
  readonly text: string;
}

export interface ResolverFiles {
  /** /etc/resolv.conf; empty if there is none. */
  readonly etc: string;
  /** /run/systemd/resolve/resolv.conf: the servers behind the stub of systemd-resolved. */
  readonly systemd: string;
}

/** Where a program asks if resolv.conf names no server (resolv.conf(5)). */
const DEFAULT = ["127.0.0.1"];

/** Undefined if names are resolved by a server that a network cannot reach. */
export function resolverOf({ etc, systemd }: ResolverFiles, families: Families): Resolver | undefined {
  for (const text of [etc, systemd]) {
    const nameservers = nameserversOf(text).filter((address) => isReachable(address, families));
    if (nameservers.length > 0) return { nameservers, onLoopback: false, text: textOf(text, nameservers) };
  }
  const listed = nameserversOf(etc);
  const local = listed.length > 0 ? listed : DEFAULT;
  if (!local.some((address) => address === "127.0.0.1" || address === "::1")) return undefined;
  return { nameservers: [], onLoopback: true, text: textOf(etc, DEFAULT) };
}

/** Addresses without a zone: `fe80::1%eth0` means an interface that is not there inside. */
function nameserversOf(text: string): string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map(([, address = ""]) => address)
    .filter((address) => isIP(address) !== 0 && !address.includes("%"));
}

function isReachable(address: string, { ipv4, ipv6 }: Families): boolean {
  if (address.startsWith("127.") || address === "::1") return false;
  return isIP(address) === 6 ? ipv6 : ipv4;
}

/** The domains and options of `text`, with other servers. */
function textOf(text: string, nameservers: readonly string[]): string {
  const others = text.split("\n").filter((line) => /^\s*(search|domain|options)\s/.test(line));
  return [...others, ...nameservers.map((address) => `nameserver ${address}`), ""].join("\n");
}
