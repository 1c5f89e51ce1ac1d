import type { Platform } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { checkHostsFree, hostTaken } from "../../platform/settings/host-names.ts";

export interface HostClaim {
  /** The function that wants the host names. */
  readonly name: string;
  readonly hosts: readonly string[];
  /** The host at which the client reached the manager. */
  readonly reachedAt?: readonly string[] | undefined;
}

/** Gives each host name to one function, also among deploys that run at the same time. */
export class HostClaims {
  readonly #platform: Pick<Platform, "allEndpoints">;
  readonly #ownHosts: readonly string[];
  /** Functions whose deploys are under way, by host name. Deploys of one function follow each other. */
  readonly #claims = new Map<string, string>();

  /** @param ownHosts names at which the manager answers */
  constructor(platform: Pick<Platform, "allEndpoints">, ownHosts: readonly string[]) {
    this.#platform = platform;
    this.#ownHosts = ownHosts;
  }

  /** @throws Problem `host_taken`; `invalid_setting` for a host at which the manager answers */
  check({ name, hosts, reachedAt = [] }: HostClaim): void {
    const own = hosts.find((host) => reachedAt.includes(host) || this.#ownHosts.includes(host));
    if (own !== undefined) {
      const detail = `hosts: the management API answers at ${own}, where no function can be served; choose another name.`;
      throw new Problem("invalid_setting", detail, { setting: "hosts" });
    }
    checkHostsFree(name, hosts, this.#platform.allEndpoints());
    for (const host of hosts) {
      const owner = this.#claims.get(host);
      if (owner !== undefined && owner !== name) throw hostTaken(host, owner);
    }
  }

  /**
   * Runs a deploy that gives a function its host names.
   * @throws Problem as `check`; errors of `deploy`
   */
  async during<T>(claim: HostClaim, deploy: () => Promise<T>): Promise<T> {
    this.check(claim);
    const { name, hosts } = claim;
    for (const host of hosts) this.#claims.set(host, name);
    try {
      return await deploy();
    } finally {
      for (const host of hosts) this.#claims.delete(host);
    }
  }
}
