import { TABLE } from "./filter.ts";
import { INTERFACE } from "./routes.ts";
import type { Tools } from "./tools.ts";
import type { WalledNetwork } from "./walled-network.ts";

/** One address of each kind that must not be reachable where only public ones are open. */
const CLOSED = {
  "-4": ["10.0.0.1", "100.64.0.1", "168.63.129.16", "169.254.169.254", "172.16.0.1", "192.168.0.1"],
  "-6": ["fd00:ec2::254", "fe80::1", "64:ff9b::a00:1", "::10.0.0.1", "2002:a00:1::1"],
};
const PUBLIC = { "-4": "1.1.1.1", "-6": "2606:4700:4700::1111" };

/**
 * Asks the kernel what it would do with packets in a network of plan `public`; nothing is sent.
 * @throws Error that says which address would be reached although it is closed, or not although it is open
 */
export async function checkPublicNetwork({ namespace }: WalledNetwork, tools: Tools, hasIPv6: boolean) {
  const routeOf = (family: string, address: string) =>
    namespace.run([tools.ip, family, "route", "get", address]).catch((error: Error) => error.message);
  for (const family of hasIPv6 ? (["-4", "-6"] as const) : (["-4"] as const)) {
    for (const address of CLOSED[family]) {
      const route = await routeOf(family, address);
      if (!/unreachable|No route to host/.test(route)) {
        throw new Error(`a network would reach ${address}: ${route.trim()}`);
      }
    }
    const route = await routeOf(family, PUBLIC[family]);
    if (!route.includes(`dev ${INTERFACE}`)) throw new Error(`a network has no way out: ${route.trim()}`);
  }
  const filter = await namespace.run([tools.nft, "list", "chain", ...TABLE.split(" "), "output"]);
  if (!filter.includes("hook output") || !filter.includes("policy drop")) {
    throw new Error("a network has no filter");
  }
}
