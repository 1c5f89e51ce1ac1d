import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { LaunchError } from "../instances/launch-error.ts";
import type { Families } from "./host.ts";
import type { Plan } from "./plan.ts";
import { GATEWAY_IPV4, GATEWAY_IPV6, INSIDE_IPV4, INSIDE_IPV6, INTERFACE } from "./routes.ts";
import { Helper, type Tools, textOf } from "./tools.ts";

const START_MS = 10_000;
const POLL_MS = 5;

export interface UplinkOptions {
  /** The process whose namespace gets the interface. */
  readonly pid: number;
  readonly families: Families;
  readonly loopback: Plan["loopback"];
  /** pasta writes its pid here when the interface exists. */
  readonly pidFile: string;
  readonly isRoot: boolean;
}

/**
 * Starts the uplink of a namespace: pasta, which relays connections through sockets of this machine. Resolves when the
 * interface is in the namespace.
 * @throws LaunchError with the error output of pasta if it ends or takes longer than 10 s
 */
export async function startUplink(tools: Tools, options: UplinkOptions): Promise<Helper> {
  rmSync(options.pidFile, { force: true });
  const uplink = new Helper(uplinkArguments(tools, options), "ignore");
  let end: LaunchError | undefined;
  void uplink.ended.then((reason) => {
    end = reason;
  });
  const deadline = performance.now() + START_MS;
  try {
    while (textOf(options.pidFile).trim() === "") {
      if (end) throw new LaunchError(`pasta does not start: ${end.message}`, { cause: end.cause });
      if (performance.now() > deadline) {
        throw new LaunchError(`pasta has made no interface within ${START_MS} ms`);
      }
      await setTimeout(POLL_MS);
    }
    return uplink;
  } catch (error) {
    uplink.close();
    throw error;
  }
}

/** Returns the command of an uplink. setpriv ends pasta with this process, which it would outlive otherwise. */
export function uplinkArguments(tools: Tools, options: UplinkOptions): string[] {
  const { pid, families, loopback, pidFile, isRoot } = options;
  const forward = loopback === "all" ? "auto" : loopback.join(",") || "none";
  return [
    tools.setpriv,
    ...["--pdeathsig", "KILL"],
    tools.pasta,
    ...["--foreground", "--quiet"],
    ...(families.ipv6 ? [] : ["--ipv4-only"]),
    ...(families.ipv4 ? [] : ["--ipv6-only"]),
    // No connection enters, and the gateway's address leads to nothing on this machine's loopback.
    ...["--tcp-ports", "none", "--udp-ports", "none", "--no-map-gw"],
    ...["--tcp-ns", forward, "--udp-ns", forward],
    ...["--no-dhcp", "--no-dhcpv6", "--no-ra", "--dns", "none"],
    // pasta answers these from the first packet on. It learns others from a packet, and loses the answer to it.
    ...["--address", INSIDE_IPV4, "--netmask", "29", "--address", INSIDE_IPV6],
    ...["--gateway", GATEWAY_IPV4, "--gateway", GATEWAY_IPV6],
    ...["--ns-ifname", INTERFACE, "--pid", pidFile],
    // As root, pasta switches to the user nobody by default, which cannot enter root's namespace.
    ...(isRoot ? ["--runas", "0"] : []),
    String(pid),
  ];
}
