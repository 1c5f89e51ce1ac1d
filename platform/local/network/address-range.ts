import { BlockList, isIPv6 } from "node:net";
import { PRIVATE_IPV4 } from "../../../runtimes/deno/deno-flags.ts";

/** IPv4 ranges that only a rule opens: the same that Deno denies. */
export const CLOSED_IPV4: readonly string[] = PRIVATE_IPV4;

/**
 * IPv6 ranges that only a rule opens: all but global unicast (2000::/3), and of that what is set apart or
 * carries an IPv4 address. So mapped (::ffff:0:0/96), translated (64:ff9b::/96), unique-local, link-local,
 * site-local and multicast addresses are closed, and whatever is assigned outside of 2000::/3 one day.
 */
export const CLOSED_IPV6: readonly string[] = [
  "::/3",
  "4000::/2",
  "8000::/1",
  // IETF protocols: Teredo, benchmarks, ORCHID.
  "2001::/23",
  // Documentation.
  "2001:db8::/32",
  "3fff::/20",
  // 6to4.
  "2002::/16",
];

/** True if every address of `inner` is one of `outer`; both as `address/bits`. */
export function covers(outer: string, inner: string): boolean {
  const [outerBase = "", outerBits = ""] = outer.split("/");
  const [innerBase = "", innerBits = ""] = inner.split("/");
  if (isIPv6(outerBase) !== isIPv6(innerBase) || Number(outerBits) > Number(innerBits)) return false;
  const family = isIPv6(outerBase) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(outerBase, Number(outerBits), family);
  return list.check(innerBase, family);
}

/** The range of one address. */
export function single(address: string): string {
  return isIPv6(address) ? `${address}/128` : `${address}/32`;
}

export function isRangeV6(range: string): boolean {
  return range.includes(":");
}
