import { CLOSED_IPV4, CLOSED_IPV6, type Destination, isRangeV6, type Plan } from "./plan.ts";
import { INTERFACE } from "./routes.ts";

export const TABLE = "inet skiff";

/** The addresses that can change while a network runs. */
export interface HostAddresses {
  /** Addresses of this machine. */
  readonly own: readonly string[];
  readonly nameservers: readonly string[];
}

const REJECT = "reject with icmpx admin-prohibited";

/**
 * Returns the wall around a namespace, for `nft -f`. It filters all output, including sockets that are bound to the
 * interface, and rejects everything that no rule here accepts. It replaces an older filter atomically.
 */
export function filterRules(plan: Plan, host: HostAddresses): string {
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
    ${[...loopback(plan), ...outward(plan)].join("\n    ")}
  }
}
${hostAddressRules(host)}`;
}

/** Replaces the addresses of this machine and its name servers atomically. */
export function hostAddressRules({ own, nameservers }: HostAddresses): string {
  return [...fill("own", own), ...fill("dns", nameservers), ""].join("\n");
}

function fill(name: string, addresses: readonly string[]): string[] {
  return [false, true].flatMap((v6) => {
    const set = `${TABLE} ${name}${v6 ? 6 : 4}`;
    const elements = [...new Set(addresses)].filter((address) => isRangeV6(address) === v6);
    return [
      `flush set ${set}`,
      ...(elements.length > 0 ? [`add element ${set} { ${elements.join(", ")} }`] : []),
    ];
  });
}

/** Separates the functions of one network on its loopback. pasta listens there on the ports that a rule opens. */
function loopback({ loopback, isAlone }: Plan): string[] {
  if (isAlone) return [`oif "lo" accept`];
  const ports = loopback === "all" ? "" : `{ ${loopback.join(", ")} }`;
  const opened = ["ip daddr 127.0.0.1 ip saddr 127.0.0.1", "ip6 daddr ::1 ip6 saddr ::1"].flatMap((pair) => {
    if (loopback === "all") return [`oif "lo" ${pair} accept`];
    if (loopback.length === 0) return [];
    return ["dport", "sport"].map(
      (side) => `oif "lo" ${pair} meta l4proto { tcp, udp } th ${side} ${ports} accept`,
    );
  });
  return [
    // The packets that a rejection sends.
    `oif "lo" meta l4proto { icmp, ipv6-icmp } accept`,
    `oif "lo" tcp flags & rst == rst accept`,
    ...opened,
    // A reset ends a connection attempt at once. An ICMP rejection from ::1 takes a second.
    `oif "lo" meta l4proto tcp reject with tcp reset`,
    `oif "lo" ${REJECT}`,
  ];
}

function outward({ isPublic, opened }: Plan): string[] {
  return [
    // IPv6 resolves the gateway with these. The kernel sends them; a function cannot.
    `icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`,
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
  const ports = port === undefined ? "" : ` meta l4proto { tcp, udp } th dport ${port}`;
  return `${isRangeV6(range) ? "ip6" : "ip"} daddr ${range}${ports} accept`;
}
