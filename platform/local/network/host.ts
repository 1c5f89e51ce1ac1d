import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { shortageOf } from "../../shortage.ts";
import { run, type Tools, textOf } from "./tools.ts";

/** The address families for which this machine has a default route. */
export interface Families {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** The facts of the machine that a network depends on. */
export interface Host {
  /** Addresses of all interfaces. The loopback interface may have more than 127.0.0.1. */
  ownAddresses(): readonly string[];
  resolverFiles(): ResolverFiles;
  families(tools: Tools): Promise<Families>;
}

export interface ResolverFiles {
  /** /etc/resolv.conf; empty if it does not exist. */
  readonly etc: string;
  /** /run/systemd/resolve/resolv.conf: the servers behind the stub of systemd-resolved. */
  readonly systemd: string;
}

/** How programs in a network resolve names. */
export interface Resolver {
  /** Servers that programs query over the network. */
  readonly nameservers: readonly string[];
  /** Programs query a server on this machine's 127.0.0.1, so its port 53 must be open inside. */
  readonly onLoopback: boolean;
  /** The text of resolv.conf. */
  readonly text: string;
}

/** The default server of resolv.conf(5). */
const DEFAULT_NAMESERVERS = ["127.0.0.1"];

export const THIS_MACHINE: Host = {
  ownAddresses() {
    const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    return interfaces.map(({ address }) => address);
  },
  resolverFiles: () => ({
    etc: textOf("/etc/resolv.conf"),
    systemd: textOf("/run/systemd/resolve/resolv.conf"),
  }),
  /** Queries the kernel for a route to a public address; sends nothing. */
  async families({ ip }) {
    const has = (family: string, address: string) =>
      run([ip, family, "route", "get", address]).then(
        (route) => !/^(unreachable|blackhole|prohibit)/.test(route),
        // `ip` fails if there is no route. A machine without free processes or files has not answered.
        (error: Error) => {
          if (shortageOf(error) !== undefined) throw error;
          return false;
        },
      );
    const [ipv4, ipv6] = await Promise.all([has("-4", "1.1.1.1"), has("-6", "2606:4700:4700::1111")]);
    return { ipv4, ipv6 };
  },
};

/** Returns undefined if a network cannot reach the machine's name server. */
export function resolverOf({ etc, systemd }: ResolverFiles, families: Families): Resolver | undefined {
  for (const text of [etc, systemd]) {
    const nameservers = nameserversOf(text).filter((address) => isReachable(address, families));
    if (nameservers.length > 0) {
      return { nameservers, onLoopback: false, text: resolvConf(text, nameservers) };
    }
  }
  const listed = nameserversOf(etc);
  const local = listed.length > 0 ? listed : DEFAULT_NAMESERVERS;
  if (!local.some((address) => address === "127.0.0.1" || address === "::1")) return undefined;
  return { nameservers: [], onLoopback: true, text: resolvConf(etc, DEFAULT_NAMESERVERS) };
}

/** Leaves out addresses with a zone: `fe80::1%eth0` names an interface, which does not exist inside. */
function nameserversOf(text: string): string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map(([, address = ""]) => address)
    .filter((address) => isIP(address) !== 0 && !address.includes("%"));
}

function isReachable(address: string, { ipv4, ipv6 }: Families): boolean {
  if (address.startsWith("127.") || address === "::1") return false;
  return isIP(address) === 6 ? ipv6 : ipv4;
}

/** Keeps the domains and options of `text` and replaces its servers. */
function resolvConf(text: string, nameservers: readonly string[]): string {
  const others = text.split("\n").filter((line) => /^\s*(search|domain|options)\s/.test(line));
  return [...others, ...nameservers.map((address) => `nameserver ${address}`), ""].join("\n");
}
