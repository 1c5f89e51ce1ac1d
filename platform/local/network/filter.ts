import { CLOSED_IPV4, CLOSED_IPV6, isRangeV6 } from "./address-range.ts";
import type { Destination, Plan } from "./plan.ts";
import { INTERFACE } from "./routes.ts";

export const TABLE = "inet skiff";

export interface FilterOptions {
  readonly plan: Plan;
  readonly hostFacts: HostAddresses;
}

/** What changes while a network runs. */
export interface HostAddresses {
  /** Addresses of this machine. */
  readonly own: readonly string[];
  readonly nameservers: readonly string[];
}

const REJECT = "reject with icmpx admin-prohibited";

/**
 * The wall, for `nft -f`: what leaves a namespace. Everything else than what is accepted here is rejected,
 * also from a socket that is bound to the interface. It replaces a filter before it in one step.
 */
export function filterRules({ plan, hostFacts }: FilterOptions): string {
  return `
table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
  set closed4 { type ipv4_addr; flags interval; elements = { ${CLOSED_IPV4.join(", ")} }; }
  set closed6 { type ipv6_addr; flags interval; elements = { ${CLOSED_IPV6.join(", ")} }; }
  set own4 { type ipv4_addr; }
  set own6 { type ipv6_addr; }
  set dns4 { type ipv4_addr; }
  set dns6 { type ipv6_addr; }
  chain output {
    type filter hook output priority filter; policy drop;
    ${[...loopback(plan), ...neighbours(), ...outward(plan)].join("\n    ")}
  }
}
${hostAddressRules(hostFacts)}`;
}

/** Sets the addresses of this machine and its name servers anew, in one step. */
export function hostAddressRules({ own, nameservers }: HostAddresses): string {
  return [
    ...fill("own4", own, false),
    ...fill("own6", own, true),
    ...fill("dns4", nameservers, false),
    ...fill("dns6", nameservers, true),
    "",
  ].join("\n");
}

function fill(set: string, addresses: readonly string[], v6: boolean): string[] {
  const elements = [...new Set(addresses)].filter((address) => isRangeV6(address) === v6);
  const add = elements.length > 0 ? [`add element ${TABLE} ${set} { ${elements.join(", ")} }`] : [];
  return [`flush set ${TABLE} ${set}`, ...add];
}

/** The functions of one network do not meet on its loopback; pasta listens there for what a rule opens. */
function loopback({ loopback }: Plan): string[] {
  const ports = loopback === "all" ? "" : `{ ${loopback.join(", ")} }`;
  const addresses = ["ip daddr 127.0.0.1 ip saddr 127.0.0.1", "ip6 daddr ::1 ip6 saddr ::1"];
  const opened = addresses.flatMap((pair) => {
    if (loopback === "all") return [`oif "lo" ${pair} accept`];
    if (loopback.length === 0) return [];
    return ["dport", "sport"].map(
      (side) => `oif "lo" ${pair} meta l4proto { tcp, udp } th ${side} ${ports} accept`,
    );
  });
  return [
    // What a rejection answers with.
    `oif "lo" meta l4proto { icmp, ipv6-icmp } accept`,
    `oif "lo" tcp flags & rst == rst accept`,
    ...opened,
    // A program learns of a reset at once, of another answer from ::1 after a second.
    `oif "lo" meta l4proto tcp reject with tcp reset`,
    `oif "lo" ${REJECT}`,
  ];
}

/** How IPv6 finds the gateway; the kernel sends these, a function cannot. */
function neighbours(): string[] {
  return [`icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`];
}

function outward({ isPublic, opened }: Plan): string[] {
  return [
    ...["udp", "tcp"].flatMap((protocol) => [
      `ip daddr @dns4 ${protocol} dport 53 accept`,
      `ip6 daddr @dns6 ${protocol} dport 53 accept`,
    ]),
    ...opened.map(accept),
    `ip daddr @closed4 ${REJECT}`,
    `ip6 daddr @closed6 ${REJECT}`,
    `ip daddr @own4 ${REJECT}`,
    `ip6 daddr @own6 ${REJECT}`,
    isPublic ? `oifname "${INTERFACE}" accept` : REJECT,
  ];
}

function accept({ range, port }: Destination): string {
  const address = `${isRangeV6(range) ? "ip6" : "ip"} daddr ${range}`;
  return port === undefined
    ? `${address} accept`
    : `${address} meta l4proto { tcp, udp } th dport ${port} accept`;
}
