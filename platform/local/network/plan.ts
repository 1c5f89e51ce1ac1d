import { BlockList, isIPv6 } from "node:net";
import { PRIVATE_IPV4 } from "../../../runtimes/deno/deno-flags.ts";
import { parseNetRule } from "../../settings/net-rule.ts";

/** IPv4 ranges that only a rule opens. Deno's flags deny the same ranges. */
export const CLOSED_IPV4: readonly string[] = PRIVATE_IPV4;

/**
 * IPv6 ranges that only a rule opens: everything outside global unicast (2000::/3), and the parts of it that are
 * reserved or embed an IPv4 address. The first three ranges contain mapped (::ffff:0:0/96), translated (64:ff9b::/96),
 * unique-local, link-local, site-local and multicast addresses, and every future allocation outside 2000::/3.
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

const LOOPBACK = ["127.0.0.1/32", "::1/128"];

/** A destination that a rule opens, private or public. */
export interface Destination {
  /** `address/bits`, IPv4 or IPv6. */
  readonly range: string;
  /** All ports if absent. */
  readonly port?: number;
}

/** The destinations that a network allows. Equivalent rules have equal plans. */
export interface Plan {
  /** Allows every public address. Rules with host names need it: Deno's flags then allow only those names. */
  readonly isPublic: boolean;
  /** Sorted, without repetition, without loopback. */
  readonly opened: readonly Destination[];
  /** Ports of this machine's 127.0.0.1 and ::1 that are open at the same address inside. */
  readonly loopback: "all" | readonly number[];
  /** One instance has it for itself, so that it may use all of its loopback. */
  readonly isAlone?: true;
}

/** @throws Error for a rule that parseNetRule rejects */
export function planFor(rules: readonly string[]): Plan {
  const parsed = rules.map((rule) => parseNetRule(rule) ?? fail(rule));
  const isPublic = parsed.some(({ kind }) => kind === "public");
  const destinations = parsed.flatMap((rule): Destination[] => {
    if (rule.kind === "public" || rule.kind === "name") return [];
    // As in Deno, `public` removes every port limit, so a rule with a port opens nothing beside it.
    if (isPublic && rule.port !== undefined) return [];
    // A zone names an interface, which does not exist inside.
    if (rule.kind === "ipv6" && rule.host.includes("%")) return [];
    const range = rule.kind === "range" ? `${rule.base}/${rule.bits}` : single(rule.host.slice(1, -1));
    return [{ range, ...(rule.port === undefined ? {} : { port: rule.port }) }];
  });
  const onLoopback = destinations.filter(({ range }) => LOOPBACK.some((address) => covers(range, address)));
  const elsewhere = destinations.filter(
    ({ range }) => !covers("127.0.0.0/8", range) && !covers("::1/128", range),
  );
  const distinct = [...new Set(elsewhere.map((each) => JSON.stringify(each)))].sort();
  return {
    isPublic: isPublic || parsed.some(({ kind }) => kind === "name"),
    opened: distinct.map((text) => JSON.parse(text) as Destination),
    loopback: portsOf(onLoopback),
  };
}

/** Returns equal keys for plans that allow the same destinations. */
export function keyOf({ isPublic, opened, loopback }: Plan): string {
  return JSON.stringify([isPublic, opened, loopback]);
}

/** Whether `outer` contains every address of `inner`; both as `address/bits`. */
export function covers(outer: string, inner: string): boolean {
  const [outerBase = "", outerBits = ""] = outer.split("/");
  const [innerBase = "", innerBits = ""] = inner.split("/");
  if (isIPv6(outerBase) !== isIPv6(innerBase) || Number(outerBits) > Number(innerBits)) return false;
  const family = isIPv6(outerBase) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(outerBase, Number(outerBits), family);
  return list.check(innerBase, family);
}

export function single(address: string): string {
  return isIPv6(address) ? `${address}/128` : `${address}/32`;
}

export function isRangeV6(range: string): boolean {
  return range.includes(":");
}

function portsOf(destinations: readonly Destination[]): Plan["loopback"] {
  const ports = destinations.map(({ port }) => port);
  if (ports.includes(undefined)) return "all";
  return [...new Set(ports as number[])].sort((a, b) => a - b);
}

function fail(rule: string): never {
  throw new Error(`${JSON.stringify(rule)} does not parse as a network rule.`);
}
