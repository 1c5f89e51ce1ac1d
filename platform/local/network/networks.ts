import { mkdirSync, rmSync } from "node:fs";
import { Problem } from "../../problems.ts";
import { checkPublicNetwork } from "./check-public-network.ts";
import { type Families, type Host, type Resolver, resolverOf, THIS_MACHINE } from "./host.ts";
import { keyOf, type Plan, planFor } from "./plan.ts";
import { findTools, type Tools } from "./tools.ts";
import { WalledNetwork } from "./walled-network.ts";

/** Each network has a process of about 30 MiB. */
const MOST_NETWORKS = 32;
/** An unused network is closed after this time. */
const IDLE_MS = 60_000;
/** Interval at which networks follow the machine's addresses and name servers. */
const WATCH_MS = 5_000;
/** Instances with the least used rules may end by then. */
const RETRY_AFTER_S = 5;

/** The network of one instance. Instances with equivalent rules share the namespace behind it. */
export interface Network {
  /**
   * Prefix of a command line that runs in the namespace. The kernel gives the owner of a namespace every capability in
   * it, so root must switch to another user there, and another user must create a user namespace of its own.
   */
  readonly enter: readonly string[];
  /** The namespace, as a file of /proc. */
  readonly path: string;
  /** A file to bind as /etc/resolv.conf; its content follows the machine's. */
  readonly resolvConf: string;
  /** Releases the network after the instance has ended. */
  close(): Promise<void>;
}

export interface NetworksOptions {
  /** A folder for networks only. It is emptied at the start, because a crash leaves files, and removed at the end. */
  readonly folder: string;
  /** Receives each line for Skiff's own log. */
  readonly onLine: (text: string) => void;
  readonly host?: Host;
  /** Folders with programs, as in PATH. */
  readonly path?: string;
  readonly idleMs?: number;
  readonly watchMs?: number;
  readonly mostNetworks?: number;
}

export type Probed =
  | { readonly available: true; readonly networks: Networks }
  /** Why the kernel cannot wall the network; a sentence without its full stop. */
  | { readonly available: false; readonly reason: string };

/** Every network that the limit allows is in use. */
export class TooManyNetworks extends Problem<"no_capacity"> {
  constructor(most: number) {
    const detail = `${most} networks are in use, which is the limit of this machine. Functions with the same net rules share one, but an instance of a program that serves has one for itself: give it net=none, or try again in ${RETRY_AFTER_S} s.`;
    super("no_capacity", detail, { retryAfterS: RETRY_AFTER_S });
  }
}

interface Entry {
  readonly made: Promise<WalledNetwork>;
  users: number;
  readonly isAlone: boolean;
  idle?: NodeJS.Timeout;
}

/** The facts that all networks share. */
interface Ground {
  readonly host: Host;
  readonly tools: Tools;
  readonly families: Families;
  /** Follows the machine's. */
  resolver: Resolver;
}

/** Network namespaces with a filter, one for each set of addresses that functions may reach. */
export class Networks {
  readonly #options: NetworksOptions;
  readonly #ground: Ground;
  readonly #entries = new Map<string, Entry>();
  readonly #watch: NodeJS.Timeout;
  #alone = 0;
  #updating: Promise<void> = Promise.resolve();
  #isUpToDate = true;
  #isClosed = false;

  private constructor(options: NetworksOptions, ground: Ground) {
    this.#options = options;
    this.#ground = ground;
    this.#watch = setInterval(() => {
      this.#updating = this.#update();
    }, options.watchMs ?? WATCH_MS).unref();
  }

  /** Creates the network of `public` and verifies its routes and filter in the kernel. Sends nothing. */
  static async probe(options: NetworksOptions): Promise<Probed> {
    let networks: Networks | undefined;
    try {
      const ground = await groundOf(options);
      rmSync(options.folder, { recursive: true, force: true });
      mkdirSync(options.folder, { recursive: true, mode: 0o700 });
      networks = new Networks(options, ground);
      const network = await networks.for(["public"]);
      const made = await networks.#entries.get(keyOf(planFor(["public"])))?.made;
      if (made) await checkPublicNetwork(made.namespace, ground);
      await network.close();
      return { available: true, networks };
    } catch (error) {
      await networks?.close();
      return { available: false, reason: (error as Error).message };
    }
  }

  /**
   * Returns the network for `permissions.net`. The first of its kind takes about 0.2 s, the others are shared at once.
   * @param isAlone no other instance shares it
   * @throws TooManyNetworks; Error for an empty list, which needs an empty namespace instead; Error if the kernel or
   * pasta fails
   */
  async for(rules: readonly string[], isAlone = false): Promise<Network> {
    if (this.#isClosed) throw new Error("The networks of functions are closed.");
    if (rules.length === 0) throw new Error("An instance without net rules gets no network.");
    const plan: Plan = isAlone ? { ...planFor(rules), isAlone } : planFor(rules);
    const key = isAlone ? `alone ${++this.#alone}` : keyOf(plan);
    const entry = this.#entries.get(key) ?? this.#begin(key, plan);
    entry.users++;
    clearTimeout(entry.idle);
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#release(key, entry);
      isOpen = false;
      return Promise.resolve();
    };
    try {
      const { namespace, resolvConf } = await entry.made;
      return { enter: namespace.enter, path: `/proc/${namespace.pid}/ns/net`, resolvConf, close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Describes the wall for the line that Skiff prints when it starts. */
  describe(): string {
    const { ipv6, ipv4 } = this.#ground.families;
    const families = [...(ipv4 ? ["IPv4"] : []), ...(ipv6 ? ["IPv6"] : [])].join(" and ");
    return `network namespaces with a filter, ${families} by pasta`;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { idle } of entries) clearTimeout(idle);
    await this.#updating;
    await Promise.all(entries.map(closeNetwork));
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  #begin(key: string, plan: Plan): Entry {
    this.#makeRoom();
    const { folder, onLine } = this.#options;
    const { host, tools, families, resolver } = this.#ground;
    const ownAddresses = host.ownAddresses();
    const made = WalledNetwork.create({ tools, folder, plan, families, ownAddresses, resolver, onLine });
    const entry: Entry = { made, users: 0, isAlone: plan.isAlone ?? false };
    this.#entries.set(key, entry);
    const forget = () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    // The next instance gets a new network if this one breaks.
    made.then(async (network) => {
      await network.namespace.ended;
      forget();
      await this.#closeEntry(entry);
    }, forget);
    return entry;
  }

  /** Closes an idle network if the limit is reached. */
  #makeRoom(): void {
    const most = this.#options.mostNetworks ?? MOST_NETWORKS;
    if (this.#entries.size < most) return;
    const idle = [...this.#entries].find(([, { users }]) => users === 0);
    if (!idle) throw new TooManyNetworks(most);
    this.#end(...idle);
  }

  #release(key: string, entry: Entry): void {
    entry.users--;
    if (entry.users > 0 || this.#isClosed) return;
    // Nobody can use it again.
    if (entry.isAlone) this.#end(key, entry);
    else entry.idle = setTimeout(() => this.#end(key, entry), this.#options.idleMs ?? IDLE_MS).unref();
  }

  #end(key: string, entry: Entry): void {
    clearTimeout(entry.idle);
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    void this.#closeEntry(entry);
  }

  async #closeEntry(entry: Entry): Promise<void> {
    await closeNetwork(entry).catch((error: Error) =>
      this.#options.onLine(`A network could not be removed: ${error.message}.`),
    );
  }

  /** Applies the machine's addresses to all networks. Fails without a free file descriptor; the next one may succeed. */
  async #update(): Promise<void> {
    try {
      const { host, families } = this.#ground;
      const ownAddresses = host.ownAddresses();
      const resolver = resolverOf(host.resolverFiles(), families);
      // Keeps the name servers if the new ones are unreachable from inside.
      if (resolver) this.#ground.resolver = resolver;
      const updates = [...this.#entries.values()].map(async ({ made }) => {
        const network = await made.catch(() => undefined);
        if (network?.namespace.isOpen) await network.update(ownAddresses, this.#ground.resolver);
      });
      await Promise.all(updates);
      this.#isUpToDate = true;
    } catch (error) {
      if (this.#isUpToDate) {
        const { message } = error as Error;
        this.#options.onLine(`Networks could not apply this machine's new addresses: ${message}.`);
      }
      this.#isUpToDate = false;
    }
  }
}

async function groundOf({ host = THIS_MACHINE, path }: NetworksOptions): Promise<Ground> {
  if (process.platform !== "linux") throw new Error("only Linux has network namespaces");
  const tools = findTools(path);
  const families = await host.families(tools);
  if (!families.ipv4 && !families.ipv6) throw new Error("this machine has no default route");
  const resolver = resolverOf(host.resolverFiles(), families);
  if (!resolver) throw new Error("the name server of this machine is on loopback but not at 127.0.0.1");
  return { host, tools, families, resolver };
}

async function closeNetwork({ made }: Entry): Promise<void> {
  const network = await made.catch(() => undefined);
  await network?.close();
}
