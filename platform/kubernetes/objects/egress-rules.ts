import { parseNetRule } from "../../settings/net-rule.ts";

/**
 * Returns the egress rules of a version besides those of the namespace: the private addresses in its `net`. Names are
 * left out: they reach private addresses only where those are listed as well.
 */
export function egressRules(net: readonly string[]): object[] {
  return net.flatMap((text) => {
    const rule = parseNetRule(text);
    if (rule?.kind !== "range" && rule?.kind !== "ipv6") return [];
    const cidr = rule.kind === "range" ? `${rule.base}/${rule.bits}` : `${rule.host.slice(1, -1)}/128`;
    const ports = rule.port === undefined ? {} : { ports: [{ protocol: "TCP", port: rule.port }] };
    return [{ to: [{ ipBlock: { cidr } }], ...ports }];
  });
}
