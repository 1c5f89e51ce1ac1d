import { CLOSED_IPV4, CLOSED_IPV6, covers, isRangeV6, single } from "./address-range.ts";
import type { Plan } from "./plan.ts";

export const INTERFACE = "tap0";
/** RFC 6333 sets these two apart for a line between a host and what translates its addresses. */
export const INSIDE_IPV4 = "192.0.0.2";
export const GATEWAY_IPV4 = "192.0.0.1";
/** Unique-local, so programs prefer IPv4 for a name that has both (RFC 6724). */
export const INSIDE_IPV6 = "fd5c:1ff0:736b::2";
export const GATEWAY_IPV6 = "fe80::2";
const MTU = 65_520;

export interface RoutesOptions {
  readonly plan: Plan;
  /** They are reachable, at port 53 alone, wherever they are. */
  readonly nameservers: readonly string[];
  readonly families: Families;
}

/** What this machine has a default route for. */
export interface Families {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/**
 * Lines for `ip -batch` that set the interface of a namespace up. Repeating them changes nothing. A program
 * learns from these routes at once that an address is closed; the filter holds, because a socket that is
 * bound to the interface ignores unreachable routes.
 */
export function routes4({ plan, nameservers, families }: RoutesOptions): string[] {
  const up = [
    // No link-local address: it would reach neighbours where there are none.
    `link set dev ${INTERFACE} addrgenmode none`,
    `link set dev ${INTERFACE} mtu ${MTU} up`,
  ];
  if (!families.ipv4) return up;
  return [
    ...up,
    `addr replace ${INSIDE_IPV4}/32 dev ${INTERFACE}`,
    ...routes(CLOSED_IPV4, holesOf(plan, nameservers, false), plan.isPublic, GATEWAY_IPV4),
  ];
}

/** The same for `ip -6 -batch`; nothing if the machine has no IPv6. */
export function routes6({ plan, nameservers, families }: RoutesOptions): string[] {
  if (!families.ipv6) return [];
  return [
    `addr replace ${INSIDE_IPV6}/128 dev ${INTERFACE} nodad`,
    ...routes(CLOSED_IPV6, holesOf(plan, nameservers, true), plan.isPublic, GATEWAY_IPV6),
  ];
}

function holesOf(plan: Plan, nameservers: readonly string[], v6: boolean): string[] {
  const ranges = [...plan.opened.map(({ range }) => range), ...nameservers.map(single)];
  return [...new Set(ranges)].filter((range) => isRangeV6(range) === v6);
}

/** The longest prefix wins, so a hole in a closed range is a route of its own. */
function routes(
  closed: readonly string[],
  holes: readonly string[],
  isPublic: boolean,
  via: string,
): string[] {
  const stillClosed = closed.filter((range) => !holes.some((hole) => covers(hole, range)));
  const open = [...(isPublic ? ["default"] : []), ...holes];
  return [
    ...open.map((range) => `route replace ${range} via ${via} dev ${INTERFACE} onlink`),
    ...stillClosed.map((range) => `route replace unreachable ${range}`),
  ];
}
