import { mkdirSync, rmSync } from "node:fs";
import { Problem } from "../../problems.ts";
import { checkPublicNetwork } from "./check.ts";
import { type Host, THIS_MACHINE } from "./host.ts";
import { keyOf, type Plan, planFor } from "./plan.ts";
import { type Resolver, resolverOf } from "./resolver.ts";
import type { Families } from "./routes.ts";
import { findTools, type Tools } from "./tools.ts";
import { WalledNetwork } from "./walled-network.ts";

/** Each has a process of about 30 MiB. */
const MOST_NETWORKS = 32;
/** An unused network ends after this time. */
const IDLE_MS = 60_000;
/** Interval at which networks follow the machine's addresses and name servers. */
const WATCH_MS = 5_000;
/** Instances of the least used rules may end by then. */
const RETRY_AFTER_S = 5;

/** The network of one instance. Instances whose rules mean the same share what is behind it. */
export interface Network {
  /**
   * Prefix of a command line; what follows it runs in the namespace. There, root must become another user,
   * and another user must make a user namespace of its own: the kernel gives the owner of a namespace every
   * capability in it.
   */
  readonly enter: readonly string[];
  /** A file to bind as /etc/resolv.conf; its content follows the machine's. */
  readonly resolvConf: string;
  /** Releases the network, when the instance has ended. */
  close(): Promise<void>;
}

export interface NetworksOptions {
  /** For files of networks alone; emptied at the start, because a crash leaves some, and removed at the end. */
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
  /** Why there is no wall of the kernel's around the network; a sentence without its full stop. */
  | { readonly available: false; readonly reason: string };

/** Every network that there may be is held. */
export class TooManyNetworks extends Problem<"no_capacity"> {
  constructor(most: number) {
    const detail = `${most} different sets of net rules are in use, the most that there may be at a time. Give functions the same rules, or try again in ${RETRY_AFTER_S} s.`;
    super("no_capacity", detail, { retryAfterS: RETRY_AFTER_S });
  }
}

interface Entry {
  readonly made: Promise<WalledNetwork>;
  users: number;
  idle?: NodeJS.Timeout;
}

interface Ground {
  readonly tools: Tools;
  readonly families: Families;
  readonly resolver: Resolver;
}

/** Network namespaces with a filter, one for each set of addresses that functions may reach. */
export class Networks {
  readonly #options: NetworksOptions;
  readonly #host: Host;
  readonly #ground: Ground;
  readonly #entries = new Map<string, Entry>();
  readonly #watch: NodeJS.Timeout;
  #resolver: Resolver;
  #updating: Promise<unknown> = Promise.resolve();
  #isUpToDate = true;
  #isClosed = false;

  private constructor(options: NetworksOptions, ground: Ground) {
    this.#options = options;
    this.#host = options.host ?? THIS_MACHINE;
    this.#ground = ground;
    this.#resolver = ground.resolver;
    this.#watch = setInterval(() => this.#update(), options.watchMs ?? WATCH_MS).unref();
  }

  /** Makes the network of `public` and asks the kernel whether it holds. Sends nothing. */
  static async probe(options: NetworksOptions): Promise<Probed> {
    let networks: Networks | undefined;
    try {
      const ground = await groundOf(options);
      rmSync(options.folder, { recursive: true, force: true });
      mkdirSync(options.folder, { recursive: true, mode: 0o700 });
      networks = new Networks(options, ground);
      const network = await networks.for(["public"]);
      const made = await networks.#entries.get(keyOf(planFor(["public"])))?.made;
      if (made) await checkPublicNetwork(made, ground.tools, ground.families.ipv6);
      await network.close();
      return { available: true, networks };
    } catch (error) {
      await networks?.close();
      return { available: false, reason: (error as Error).message };
    }
  }

  /**
   * The network for `permissions.net`. The first of its kind takes about 0.2 s, each other none.
   * @throws TooManyNetworks, or Error for an empty list, which needs no network but an empty namespace, and when
   * the kernel or pasta fails
   */
  async for(rules: readonly string[]): Promise<Network> {
    if (this.#isClosed) throw new Error("The networks of functions are closed.");
    if (rules.length === 0) throw new Error("Without rules there is no network.");
    const plan = planFor(rules);
    const key = keyOf(plan);
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
      return { enter: namespace.enter, resolvConf, close };
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
    await Promise.all(entries.map(endOf));
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  #begin(key: string, plan: Plan): Entry {
    this.#makeRoom();
    const { tools, families } = this.#ground;
    const made = WalledNetwork.create({
      tools,
      folder: this.#options.folder,
      plan,
      families,
      ownAddresses: this.#host.ownAddresses(),
      resolver: this.#resolver,
      onLine: this.#options.onLine,
    });
    const entry: Entry = { made, users: 0 };
    this.#entries.set(key, entry);
    const forget = () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    // One that cannot be used any more is made anew for the next instance.
    made.then(async (network) => {
      await network.namespace.ended;
      forget();
      await network.close().catch((error: Error) => this.#notRemoved(error));
    }, forget);
    return entry;
  }

  /** Ends an idle one if there are as many as may be. */
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
    entry.idle = setTimeout(() => this.#end(key, entry), this.#options.idleMs ?? IDLE_MS).unref();
  }

  #end(key: string, entry: Entry): void {
    clearTimeout(entry.idle);
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    endOf(entry).catch((error: Error) => this.#notRemoved(error));
  }

  #notRemoved(error: Error): void {
    this.#options.onLine(`A network was not removed: ${error.message}.`);
  }

  #update(): void {
    // Also where this process has no file left to look with: the next time it may.
    this.#updating = this.#updateAll().then(
      () => {
        this.#isUpToDate = true;
      },
      (error: Error) => {
        // Once, until it succeeds.
        if (this.#isUpToDate) {
          this.#options.onLine(`Networks do not know of this machine's new addresses: ${error.message}.`);
        }
        this.#isUpToDate = false;
      },
    );
  }

  async #updateAll(): Promise<void> {
    const ownAddresses = this.#host.ownAddresses();
    // A name server that cannot be reached from inside is no better than the one before.
    this.#resolver = resolverOf(this.#host.resolverFiles(), this.#ground.families) ?? this.#resolver;
    const updates = [...this.#entries.values()].map(async ({ made }) => {
      const network = await made.catch(() => undefined);
      if (network?.namespace.isOpen) await network.update(ownAddresses, this.#resolver);
    });
    await Promise.all(updates);
  }
}

async function groundOf({ host = THIS_MACHINE, path }: NetworksOptions): Promise<Ground> {
  if (process.platform !== "linux") throw new Error("only Linux has network namespaces");
  const tools = findTools(path);
  const families = await host.families(tools);
  if (!families.ipv4 && !families.ipv6) throw new Error("this machine has no default route");
  const resolver = resolverOf(host.resolverFiles(), families);
  if (!resolver) throw new Error("names are resolved by a server on loopback that is not at 127.0.0.1");
  return { tools, families, resolver };
}

async function endOf({ made }: Entry): Promise<void> {
  const network = await made.catch(() => undefined);
  await network?.close();
}
