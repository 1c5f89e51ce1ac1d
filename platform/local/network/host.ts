import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { shortageOf } from "../../shortage.ts";
import { run } from "./command.ts";
import type { ResolverFiles } from "./resolver.ts";
import type { Families } from "./routes.ts";
import type { Tools } from "./tools.ts";

/** What a network needs to know of the machine. */
export interface Host {
  /** Addresses of all its interfaces: the loopback interface may have others than 127.0.0.1, too. */
  ownAddresses(): readonly string[];
  resolverFiles(): ResolverFiles;
  families(tools: Tools): Promise<Families>;
}

export const THIS_MACHINE: Host = {
  ownAddresses() {
    const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    return interfaces.map(({ address }) => address);
  },
  resolverFiles: () => ({
    etc: textOf("/etc/resolv.conf"),
    systemd: textOf("/run/systemd/resolve/resolv.conf"),
  }),
  /** Asks the kernel for a route to a public address; nothing is sent. */
  async families({ ip }) {
    const has = (...lookup: string[]) =>
      run([ip, ...lookup]).then(
        (route) => !/^(unreachable|blackhole|prohibit)/.test(route),
        // The kernel says that it has no route by an error. Where nobody could be asked, nothing is known.
        (error: Error) => {
          if (shortageOf(error) !== undefined) throw error;
          return false;
        },
      );
    const [ipv4, ipv6] = await Promise.all([
      has("-4", "route", "get", "1.1.1.1"),
      has("-6", "route", "get", "2606:4700:4700::1111"),
    ]);
    return { ipv4, ipv6 };
  },
};

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
