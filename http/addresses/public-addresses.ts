import { lookup as lookUp } from "node:dns";
import { BlockList, isIP, isIPv4, type LookupFunction } from "node:net";
import { plainAddress } from "../trusted-proxies.ts";

/** The name of the error by which an address is refused. */
export const BLOCKED_ADDRESS = "BlockedAddress";

/** Special-purpose addresses (RFC 6890), multicast, and the metadata address of Azure, which is in a public range. */
const IPV4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16"],
  ...["172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"],
  ...["203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
];
/** Only global unicast addresses are public; these of them are not, or have an IPv4 address within. */
const IPV6_GLOBAL = "2000::/3";
const IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/** Tells addresses of the internet from those of this machine and its networks. */
export class PublicAddresses {
  readonly #blocked = listOf([...IPV4, ...IPV6]);
  readonly #global = listOf([IPV6_GLOBAL]);

  has(address: string): boolean {
    const plain = plainAddress(address);
    if (plain === undefined) return false;
    if (isIPv4(plain)) return !this.#blocked.check(plain, "ipv4");
    return this.#global.check(plain, "ipv6") && !this.#blocked.check(plain, "ipv6");
  }

  /** @throws Error if the host of a URL is an address that is not public */
  checkHost(hostname: string): void {
    const host = withoutBrackets(hostname);
    if (isIP(host) !== 0 && !this.has(host)) throw blocked(hostname);
  }

  /**
   * Returns the addresses of the host of a URL, for a program that connects to these alone.
   * @throws Error if one of them is not public, or if there is none
   */
  async resolve(hostname: string): Promise<readonly string[]> {
    this.checkHost(hostname);
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    this.lookup(withoutBrackets(hostname), { all: true }, (error, found) => {
      if (error) reject(error);
      else resolve(typeof found === "string" ? [found] : found.map(({ address }) => address));
    });
    return await promise;
  }

  /** Resolves names like Node, and fails if any address is not public. So it holds at the time of the connection. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookUp(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      const [first] = addresses;
      if (first === undefined || addresses.some(({ address }) => !this.has(address))) {
        return callback(blocked(hostname), "", 0);
      }
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

/** URLs have IPv6 addresses in brackets. */
function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function blocked(hostname: string): Error {
  const message = `${hostname} is not a public address: name it in SKIFF_CALLBACK_HOSTS to allow it.`;
  return Object.assign(new Error(message), { name: BLOCKED_ADDRESS });
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    list.addSubnet(address, Number(bits), isIPv4(address) ? "ipv4" : "ipv6");
  }
  return list;
}
