import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { LaunchError } from "../instances/launch-error.ts";
import { backoffMs, HEALTHY_AFTER_MS } from "../scaling/failures.ts";
import { filterRules, type HostAddresses, hostAddressRules } from "./filter.ts";
import type { Families, Resolver } from "./host.ts";
import { Namespace } from "./namespace.ts";
import type { Plan } from "./plan.ts";
import { routes4, routes6 } from "./routes.ts";
import type { Helper, Tools } from "./tools.ts";
import { startUplink } from "./uplink.ts";

const DNS_PORT = 53;

export interface WalledNetworkOptions {
  readonly tools: Tools;
  /** The network keeps its files in a subfolder. */
  readonly folder: string;
  readonly plan: Plan;
  readonly families: Families;
  readonly ownAddresses: readonly string[];
  readonly resolver: Resolver;
  /** Receives each line for Skiff's own log. */
  readonly onLine: (text: string) => void;
}

/** A namespace with a filter and an uplink. While the uplink is being replaced, no packet leaves. */
export class WalledNetwork {
  readonly plan: Plan;
  readonly namespace: Namespace;
  /** A file for /etc/resolv.conf inside; it follows the machine's. */
  readonly resolvConf: string;
  readonly #options: WalledNetworkOptions;
  readonly #folder: string;
  readonly #closing = new AbortController();
  #uplink: Helper | undefined;
  #host: HostAddresses;
  /** Resolves when the uplink is no longer replaced. */
  #keeping: Promise<void> = Promise.resolve();

  private constructor(options: WalledNetworkOptions, namespace: Namespace) {
    this.plan = withResolver(options.plan, options.resolver);
    this.#options = options;
    this.namespace = namespace;
    this.#folder = mkdtempSync(join(options.folder, "network-"));
    this.resolvConf = join(this.#folder, "resolv.conf");
    this.#host = this.#hostAddresses(options.ownAddresses, options.resolver);
    this.#writeResolvConf(options.resolver);
  }

  /** @throws Error if the kernel or pasta fails; everything made until then is removed */
  static async create(options: WalledNetworkOptions): Promise<WalledNetwork> {
    const namespace = await Namespace.create(options.tools);
    let network: WalledNetwork | undefined;
    try {
      network = new WalledNetwork(options, namespace);
      // The filter must exist before the uplink does.
      await network.#filter(filterRules(network.plan, network.#host));
      await network.#connect();
    } catch (error) {
      await (network ?? namespace).close();
      throw error;
    }
    network.#keeping = network.#keepConnected();
    return network;
  }

  /** Applies changed addresses and name servers of the machine. The filter changes atomically. */
  async update(ownAddresses: readonly string[], resolver: Resolver): Promise<void> {
    const host = this.#hostAddresses(ownAddresses, resolver);
    if (JSON.stringify(host) === JSON.stringify(this.#host)) return;
    await this.#filter(hostAddressRules(host));
    const before = this.#host;
    this.#host = host;
    try {
      this.#writeResolvConf(resolver);
      if (this.#uplink) await this.#route();
    } catch (error) {
      // The next update then repeats all steps.
      this.#host = before;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#uplink?.close();
    this.namespace.close();
    await Promise.all([this.#keeping, this.namespace.ended]);
    await this.#uplink?.ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #filter(rules: string): Promise<void> {
    await this.namespace.run([this.#options.tools.nft, "-f", "-"], rules);
  }

  async #connect(): Promise<void> {
    const { tools, families } = this.#options;
    const uplink = await startUplink(tools, {
      pid: this.namespace.pid,
      families,
      loopback: this.plan.loopback,
      pidFile: join(this.#folder, "pid"),
      isRoot: process.getuid?.() === 0,
    });
    this.#uplink = uplink;
    await this.#route().catch((error: Error) => {
      uplink.close();
      throw error;
    });
  }

  async #route(): Promise<void> {
    const { tools, families } = this.#options;
    const lines = [this.plan, this.#host.nameservers, families] as const;
    await this.namespace.run([tools.ip, "-batch", "-"], `${routes4(...lines).join("\n")}\n`);
    await this.namespace.run([tools.ip, "-6", "-batch", "-"], `${routes6(...lines).join("\n")}\n`);
  }

  /** Replaces an uplink that ended, with a growing delay. */
  async #keepConnected(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted && this.namespace.isOpen) {
      const sinceMs = performance.now();
      const end = this.#uplink?.ended ?? new LaunchError("it did not start");
      const why = await Promise.race([end, this.namespace.ended.then(() => undefined)]);
      if (signal.aborted || why === undefined) break;
      this.#uplink = undefined;
      failures = performance.now() - sinceMs < HEALTHY_AFTER_MS ? failures + 1 : 1;
      this.#options.onLine(`The network of functions lost its uplink and starts another: ${why.message}.`);
      await setTimeout(backoffMs(failures), undefined, { signal }).catch(() => {});
      if (signal.aborted || !this.namespace.isOpen) break;
      await this.#connect().catch((error: Error) =>
        this.#options.onLine(`The uplink of the network did not start: ${error.message}.`),
      );
    }
    // It may have started during close, or after its namespace ended.
    this.#uplink?.close();
  }

  #hostAddresses(own: readonly string[], { nameservers }: Resolver): HostAddresses {
    // Rules without names need no name server.
    return { own: [...own].sort(), nameservers: this.plan.isPublic ? nameservers : [] };
  }

  /** Writes in place, because sandboxes have bound this inode. */
  #writeResolvConf({ text }: Resolver): void {
    writeFileSync(this.resolvConf, this.plan.isPublic ? text : "# This network has no name servers.\n");
    chmodSync(this.resolvConf, 0o644);
  }
}

/** Opens port 53 of loopback for a name server there, as a rule would. */
function withResolver(plan: Plan, { onLoopback }: Resolver): Plan {
  const { isPublic, loopback } = plan;
  if (!isPublic || !onLoopback || loopback === "all") return plan;
  return { ...plan, loopback: [...new Set([...loopback, DNS_PORT])].sort((a, b) => a - b) };
}
