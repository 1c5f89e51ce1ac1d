import type { Families } from "./host.ts";
import { CLOSED_IPV4, CLOSED_IPV6, covers, isRangeV6, type Plan, single } from "./plan.ts";

export const INTERFACE = "tap0";
/** RFC 6333 reserves these two for the link between a host and its address translator. */
export const INSIDE_IPV4 = "192.0.0.2";
export const GATEWAY_IPV4 = "192.0.0.1";
/** Unique-local, so programs prefer IPv4 for a name that has both (RFC 6724). */
export const INSIDE_IPV6 = "fd5c:1ff0:736b::2";
export const GATEWAY_IPV6 = "fe80::2";
const MTU = 65_520;

/**
 * Returns idempotent lines for `ip -batch` that set up the interface of a namespace and its IPv4 routes. The filter is
 * the wall, because a socket that is bound to the interface ignores unreachable routes. These routes add an immediate
 * error for closed addresses.
 * @param nameservers reachable at port 53 only, in closed ranges too
 */
export function routes4(plan: Plan, nameservers: readonly string[], families: Families): string[] {
  const up = [
    // Without a link-local address: pasta has no neighbours behind the interface.
    `link set dev ${INTERFACE} addrgenmode none`,
    `link set dev ${INTERFACE} mtu ${MTU} up`,
  ];
  if (!families.ipv4) return up;
  const holes = holesOf(plan, nameservers).filter((range) => !isRangeV6(range));
  return [...up, `addr replace ${INSIDE_IPV4}/32 dev ${INTERFACE}`, ...routes(plan, holes, false)];
}

/** Returns the IPv6 routes for `ip -6 -batch`; none if the machine has no IPv6. */
export function routes6(plan: Plan, nameservers: readonly string[], families: Families): string[] {
  if (!families.ipv6) return [];
  const holes = holesOf(plan, nameservers).filter(isRangeV6);
  return [`addr replace ${INSIDE_IPV6}/128 dev ${INTERFACE} nodad`, ...routes(plan, holes, true)];
}

function holesOf(plan: Plan, nameservers: readonly string[]): string[] {
  return [...new Set([...plan.opened.map(({ range }) => range), ...nameservers.map(single)])];
}

/** The longest prefix wins, so a hole in a closed range is a route of its own. */
function routes({ isPublic }: Plan, holes: readonly string[], v6: boolean): string[] {
  const [closed, via] = v6 ? [CLOSED_IPV6, GATEWAY_IPV6] : [CLOSED_IPV4, GATEWAY_IPV4];
  const stillClosed = closed.filter((range) => !holes.some((hole) => covers(hole, range)));
  const open = [...(isPublic ? ["default"] : []), ...holes];
  return [
    ...open.map((range) => `route replace ${range} via ${via} dev ${INTERFACE} onlink`),
    ...stillClosed.map((range) => `route replace unreachable ${range}`),
  ];
}
