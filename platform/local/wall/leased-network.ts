import type { Network, Networks } from "../network/networks.ts";
import type { PlaceNetwork } from "./profile.ts";

/** A network that one instance uses. */
export interface LeasedNetwork extends PlaceNetwork {
  /** The instance has ended. */
  close(): Promise<void>;
}

/** Opens the network of functions with these rules: an empty one without any; that of the machine without walls. */
export async function leaseNetwork(
  networks: Networks | undefined,
  rules: readonly string[],
): Promise<LeasedNetwork> {
  const close = async () => {};
  if (rules.length === 0) return { namespace: "own", enter: [], close };
  if (networks === undefined) return { namespace: "outer", enter: [], close };
  const network: Network = await networks.for(rules);
  return {
    namespace: "outer",
    enter: network.enter,
    resolvConf: network.resolvConf,
    close: () => network.close(),
  };
}
