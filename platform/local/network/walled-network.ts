import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { backoffMs, HEALTHY_AFTER_MS } from "../scaling/failures.ts";
import { filterRules, type HostAddresses, hostAddressRules } from "./filter.ts";
import { Namespace } from "./namespace.ts";
import type { Plan } from "./plan.ts";
import type { Resolver } from "./resolver.ts";
import { type Families, type RoutesOptions, routes4, routes6 } from "./routes.ts";
import type { Tools } from "./tools.ts";
import { Uplink } from "./uplink.ts";

const DNS_PORT = 53;

export interface WalledNetworkOptions {
  readonly tools: Tools;
  /** Where it keeps its files, in a folder of its own. */
  readonly folder: string;
  readonly plan: Plan;
  readonly families: Families;
  readonly ownAddresses: readonly string[];
  readonly resolver: Resolver;
  /** Receives each line for Skiff's own log. */
  readonly onLine: (text: string) => void;
}

/** A namespace with a filter and a way out. While the way out is being replaced, nothing leaves. */
export class WalledNetwork {
  readonly plan: Plan;
  readonly namespace: Namespace;
  /** A file for /etc/resolv.conf inside; it changes when the machine's does. */
  readonly resolvConf: string;
  readonly #options: WalledNetworkOptions;
  readonly #folder: string;
  readonly #closing = new AbortController();
  #uplink: Uplink | undefined;
  #host: HostAddresses;
  /** Resolves when the way out is no longer replaced. */
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

  /** @throws Error in words when it cannot be made; nothing is left then */
  static async create(options: WalledNetworkOptions): Promise<WalledNetwork> {
    const namespace = await Namespace.create(options.tools);
    let network: WalledNetwork;
    try {
      network = new WalledNetwork(options, namespace);
    } catch (error) {
      namespace.close();
      throw error;
    }
    try {
      // The filter stands before there is a way out.
      const rules = filterRules({ plan: network.plan, hostFacts: network.#host });
      await network.namespace.run([options.tools.nft, "-f", "-"], rules);
      await network.#connect();
    } catch (error) {
      await network.close();
      throw error;
    }
    network.#keeping = network.#keepConnected();
    return network;
  }

  /** Applies changed addresses and name servers of the machine. The filter changes in one step. */
  async update(ownAddresses: readonly string[], resolver: Resolver): Promise<void> {
    const host = this.#hostAddresses(ownAddresses, resolver);
    if (JSON.stringify(host) === JSON.stringify(this.#host)) return;
    await this.namespace.run([this.#options.tools.nft, "-f", "-"], hostAddressRules(host));
    const before = this.#host;
    this.#host = host;
    try {
      this.#writeResolvConf(resolver);
      if (this.#uplink) await this.#route();
    } catch (error) {
      // The next time all of it is done again.
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

  async #connect(): Promise<void> {
    const { tools, families } = this.#options;
    const uplink = await Uplink.start(tools, {
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
    const options: RoutesOptions = { plan: this.plan, families, nameservers: this.#host.nameservers };
    await this.namespace.run([tools.ip, "-batch", "-"], `${routes4(options).join("\n")}\n`);
    await this.namespace.run([tools.ip, "-6", "-batch", "-"], `${routes6(options).join("\n")}\n`);
  }

  /** Replaces a way out that ended, at once and then at growing intervals. */
  async #keepConnected(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted && this.namespace.isOpen) {
      const sinceMs = performance.now();
      const why = await Promise.race([this.#uplink?.ended ?? "it did not start", this.namespace.ended]);
      if (signal.aborted || why === undefined) break;
      this.#uplink = undefined;
      failures = performance.now() - sinceMs < HEALTHY_AFTER_MS ? failures + 1 : 1;
      this.#options.onLine(`The network of functions lost its way out and gets another: ${why}.`);
      await setTimeout(backoffMs(failures), undefined, { signal }).catch(() => {});
      if (signal.aborted || !this.namespace.isOpen) break;
      await this.#connect().catch((error: Error) => this.#options.onLine(`No network: ${error.message}.`));
    }
    // It may have started while the network was being closed, or have lost its namespace.
    this.#uplink?.close();
  }

  #hostAddresses(own: readonly string[], { nameservers }: Resolver): HostAddresses {
    // Rules without names need no name server.
    return { own: [...own].sort(), nameservers: this.plan.isPublic ? nameservers : [] };
  }

  /** In place: functions have this very file bound. */
  #writeResolvConf({ text }: Resolver): void {
    writeFileSync(this.resolvConf, this.plan.isPublic ? text : "# This network has no name servers.\n");
    chmodSync(this.resolvConf, 0o644);
  }
}

/** A name server on loopback is reached like any other port there that a rule opens. */
function withResolver(plan: Plan, { onLoopback }: Resolver): Plan {
  const { isPublic, loopback } = plan;
  if (!isPublic || !onLoopback || loopback === "all") return plan;
  return { ...plan, loopback: [...new Set([...loopback, DNS_PORT])].sort((a, b) => a - b) };
}
