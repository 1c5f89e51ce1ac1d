import { TABLE } from "./filter.ts";
import type { Families } from "./host.ts";
import type { Namespace } from "./namespace.ts";
import { INTERFACE } from "./routes.ts";
import type { Tools } from "./tools.ts";

type Inside = Pick<Namespace, "run" | "outcomeOf">;

/** One address of each kind that must be unreachable where only public addresses are open. */
const CLOSED = {
  "-4": ["10.0.0.1", "100.64.0.1", "168.63.129.16", "169.254.169.254", "172.16.0.1", "192.168.0.1"],
  "-6": ["fd00:ec2::254", "fe80::1", "64:ff9b::a00:1", "::10.0.0.1", "2002:a00:1::1"],
};
const PUBLIC = { "-4": "1.1.1.1", "-6": "2606:4700:4700::1111" };
/** How `ip -batch` reports the line of an address without a route. */
const REFUSED = /(?:unreachable|No route to host); Command failed -:(\d+)/gi;

/**
 * Queries the kernel for the routes and the filter of a network with the plan `public`; sends nothing.
 * @throws Error that names a closed address with a route, a public address without one, or a missing filter
 */
export async function checkPublicNetwork(
  namespace: Inside,
  { tools, families }: { readonly tools: Tools; readonly families: Families },
): Promise<void> {
  const [filter] = await Promise.all([
    namespace.run([tools.nft, "list", "chain", ...TABLE.split(" "), "output"]),
    checkRoutes("-4", namespace, tools),
    families.ipv6 && checkRoutes("-6", namespace, tools),
  ]);
  if (!filter.includes("hook output") || !filter.includes("policy drop")) {
    throw new Error("a network has no filter");
  }
}

async function checkRoutes(family: "-4" | "-6", namespace: Inside, tools: Tools): Promise<void> {
  const addresses = [...CLOSED[family], PUBLIC[family]];
  const queries = addresses.map((address) => `route get ${address}\n`).join("");
  // With -force, ip continues after a refusal and prints the number of each refused line.
  const command = [tools.ip, family, "-force", "-batch", "-"];
  const { output, failure } = await namespace.outcomeOf(command, queries);
  const refused = Array.from((failure?.message ?? "").matchAll(REFUSED), ([, line]) => Number(line));
  const isRefused = (address: string) =>
    refused.includes(addresses.indexOf(address) + 1) || output.includes(`unreachable ${address} `);
  const routes = output.trim() || failure?.message;
  const open = CLOSED[family].find((address) => !isRefused(address));
  if (open !== undefined) throw new Error(`a network has a route to the closed address ${open}: ${routes}`);
  const leadsOut = (line: string) =>
    line.startsWith(`${PUBLIC[family]} `) && line.includes(`dev ${INTERFACE}`);
  if (!output.split("\n").some(leadsOut)) {
    throw new Error(`a network has no route to public addresses: ${routes}`);
  }
}
