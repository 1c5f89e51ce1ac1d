import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** Names for ranges: loopback (RFC 6890), and private addresses (RFC 1918, RFC 4193). */
const NAMED: ReadonlyMap<string, readonly string[]> = new Map([
  ["loopback", ["127.0.0.0/8", "::1"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]],
]);
const MAPPED = "::ffff:";
const MAPPED_BITS = 96;

/** The proxies whose `X-Forwarded-*` and `Forwarded` fields are believed. */
export class TrustedProxies {
  readonly #list: BlockList;

  constructor(list: BlockList) {
    this.#list = list;
  }

  /** @param address an IP address, as `plainAddress` returns it */
  has(address: string): boolean {
    return this.#list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  }
}

/**
 * Parses `SKIFF_TRUST_PROXY`: addresses, ranges (`10.0.0.0/8`), `loopback` and `private`, separated by commas.
 * @returns undefined if `text` is empty: no proxy is trusted
 * @throws Error with a text for the operator
 */
export function parseTrustedProxies(text = ""): TrustedProxies | undefined {
  if (text.trim() === "") return undefined;
  const list = new BlockList();
  for (const entry of text.split(",").map((part) => part.trim())) {
    for (const range of NAMED.get(entry) ?? [entry]) {
      if (addRange(list, range)) continue;
      const use = "use addresses, ranges such as 10.0.0.0/8 or fd00::/8, loopback or private";
      throw new Error(`SKIFF_TRUST_PROXY: "${entry}" is not an address or a range: ${use}.`);
    }
  }
  return new TrustedProxies(list);
}

/** Returns false if the text is neither an address nor a range. */
function addRange(list: BlockList, text: string): boolean {
  const [, written = "", bits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(written);
  if (family === 0) return false;
  const address = plainAddress(written)!;
  const most = isIPv4(address) ? 32 : 128;
  // A range of mapped addresses counts from their 97th bit.
  const given = bits === undefined ? most : Number(bits) - (family === 6 && most === 32 ? MAPPED_BITS : 0);
  if (given < 0 || given > most) return false;
  list.addSubnet(address, given, isIPv4(address) ? "ipv4" : "ipv6");
  return true;
}

/** Returns an IP address without its zone, and an IPv4-mapped one as IPv4; undefined for anything else. */
export function plainAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const zone = text.indexOf("%");
  const address = zone < 0 ? text : text.slice(0, zone);
  if (!isIPv6(address)) return undefined;
  const mapped = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : "";
  return isIPv4(mapped) ? mapped : address;
}
