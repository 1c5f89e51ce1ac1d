import { highestInherited } from "../../../process/sandbox/spawn.ts";
import { type InstanceFolder, type InstanceFolders, removeInstance } from "../instances/instance-folder.ts";
import { LaunchError } from "../instances/launch-error.ts";
import { type Networks, TooManyNetworks } from "../network/networks.ts";
import type { InstanceResources } from "../resources/instance-resources.ts";
import type { Resources } from "../resources/resources.ts";
import { type PlaceNetwork, type Profile, sandboxCommand } from "./profile.ts";
import { Sandbox } from "./sandbox.ts";

/** Sandboxes that wait in the last used network. To make one takes about as long as to start Deno in it. */
export const WAITING_SANDBOXES = 2;
/** Networks in which sandboxes wait. */
const NETWORKS = 4;
/** Pause before a refill, and again while instances start, because they need the processor more. */
const REFILL_AFTER_MS = 60;
/** Longest time for which starting instances put a refill off. */
const REFILL_AT_LATEST_MS = 1_000;
/** User ids of instances if Skiff runs as root: the range of systemd's DynamicUser. */
const FIRST_USER = 61_184;
const LAST_USER = 65_519;
/** In a user namespace the id has no meaning for the machine. */
const NAMESPACE_USER = 1_993;

/** The network of one instance. */
export interface LeasedNetwork extends PlaceNetwork {
  /** The namespace, as a file of /proc; absent if it is an empty one, or the machine's. */
  readonly path?: string;
  /** Releases it after the end of the instance. */
  close(): Promise<void>;
}

export interface SandboxesOptions {
  readonly profile: Profile;
  readonly folders: InstanceFolders;
  readonly resources: Resources;
  /** Size of the folder in memory. */
  readonly workBytes: number;
  /** Opens the network for functions with these rules, or for one instance alone. */
  readonly openNetwork: (rules: readonly string[], isAlone?: boolean) => Promise<LeasedNetwork>;
  /** Whether instances start now. */
  readonly isStarting?: () => boolean;
  /** Writes what the sandbox mounts, before it is made. */
  readonly furnish?: (folder: InstanceFolder, user: number) => void;
  /** Copies the files that every instance needs into a new sandbox. */
  readonly seed?: (prepared: Prepared) => Promise<void>;
  /** Most processes and threads of an instance, where they are no part of its memory; otherwise those of Deno. */
  readonly processes?: number;
}

/** A sandbox with the resources of its instance. */
export interface Prepared {
  readonly sandbox: Sandbox;
  readonly folder: InstanceFolder;
  readonly resources: InstanceResources;
  readonly network: LeasedNetwork;
  /** Owner of the files that the function writes. */
  readonly user: number;
}

/** A sandbox that is being made. */
type Begun = { -readonly [K in keyof Prepared]?: Prepared[K] } & { network: LeasedNetwork; user: number };

interface Waiting {
  readonly rules: readonly string[];
  prepared: Prepared[];
}

/** Makes sandboxes for instances, and keeps a few waiting. */
export class Sandboxes {
  readonly #options: SandboxesOptions;
  /** By network, the last used network last. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #inherited = highestInherited();
  readonly #users = new Set<number>();
  readonly #making = new Set<Promise<unknown>>();
  #refill: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SandboxesOptions) {
    this.#options = options;
  }

  /**
   * Returns a sandbox in the network of these rules, a waiting one if possible.
   * @param isAlone its network has no other instance
   * @throws Error if it cannot be made
   */
  async take(rules: readonly string[], isAlone = false): Promise<Prepared> {
    // Without rules each has a network of its own anyway.
    if (isAlone && rules.length > 0) return await this.#make(await this.#open(rules, isAlone));
    const network = await this.#open(rules);
    const waiting = this.#use(keyOf(network), rules);
    this.#scheduleRefill();
    let next = waiting.prepared.shift();
    try {
      for (; next?.sandbox.isEnded; next = waiting.prepared.shift()) await this.discard(next);
    } catch (error) {
      await network.close();
      throw error;
    }
    if (!next) return await this.#make(network);
    await network.close();
    return next;
  }

  /** Returns a new sandbox without a network, as an attempt. No other one waits afterwards. */
  async takeAlone(): Promise<Prepared> {
    return await this.#make(await this.#open([]));
  }

  /** Makes sandboxes wait for functions with these rules. */
  async expect(rules: readonly string[]): Promise<void> {
    const network = await this.#open(rules);
    this.#use(keyOf(network), rules);
    await network.close();
    this.#scheduleRefill();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    await Promise.allSettled(this.#making);
    await this.empty();
  }

  /** Replaces the waiting sandboxes, so that the next ones have newer files. */
  async empty(): Promise<void> {
    if (await this.#discardWaiting()) this.#scheduleRefill();
  }

  /** Ends a sandbox and removes it. Returns lines for the log about data that is left. */
  async discard({ sandbox, folder, resources, user, network }: Begun): Promise<readonly string[]> {
    sandbox?.close();
    await sandbox?.ended;
    try {
      return await removeInstance(folder, resources);
    } finally {
      // After the files are removed: two instances must not share a user.
      this.#users.delete(user);
      await network.close();
    }
  }

  /** Opens a network; discards waiting sandboxes if they hold too many others. */
  async #open(rules: readonly string[], isAlone = false): Promise<LeasedNetwork> {
    try {
      return await this.#options.openNetwork(rules, isAlone);
    } catch (error) {
      if (!(error instanceof TooManyNetworks)) throw error;
      // A refill under way would open its networks again.
      await Promise.allSettled(this.#making);
      if (!(await this.#discardWaiting())) throw error;
      return await this.#options.openNetwork(rules, isAlone);
    }
  }

  /** Returns false if none waited. */
  async #discardWaiting(): Promise<boolean> {
    const left = [...this.#waiting.values()].flatMap(({ prepared }) => prepared);
    for (const each of this.#waiting.values()) each.prepared = [];
    await Promise.all(left.map((each) => this.discard(each)));
    return left.length > 0;
  }

  #use(key: string, rules: readonly string[]): Waiting {
    const waiting = this.#waiting.get(key) ?? { rules, prepared: [] };
    this.#waiting.delete(key);
    this.#waiting.set(key, waiting);
    return waiting;
  }

  #scheduleRefill(sinceMs = performance.now()): void {
    clearTimeout(this.#refill);
    if (this.#isClosed) return;
    this.#refill = setTimeout(() => {
      if (this.#making.size > 0 || this.#isPutOff(sinceMs)) return this.#scheduleRefill(sinceMs);
      // The next `take` tries again and reports the error.
      const filling = this.#fill()
        .catch(() => {})
        .finally(() => this.#making.delete(filling));
      this.#making.add(filling);
    }, REFILL_AFTER_MS);
    this.#refill.unref();
  }

  #isPutOff(sinceMs: number): boolean {
    const isEarly = performance.now() - sinceMs < REFILL_AT_LATEST_MS;
    return isEarly && (this.#options.isStarting?.() ?? false);
  }

  async #fill(): Promise<void> {
    const [surplus] = this.#waiting;
    if (surplus && this.#waiting.size > NETWORKS) {
      this.#waiting.delete(surplus[0]);
      await Promise.all(surplus[1].prepared.map((each) => this.discard(each)));
    }
    const last = [...this.#waiting].at(-1);
    while (last && !this.#isClosed && last[1].prepared.length < WAITING_SANDBOXES) {
      const made = await this.#make(await this.#options.openNetwork(last[1].rules));
      // The rules may lead to another network by now.
      const isSame = keyOf(made.network) === last[0];
      const waiting = isSame ? last[1] : this.#use(keyOf(made.network), last[1].rules);
      waiting.prepared.push(made);
    }
  }

  async #make(network: LeasedNetwork): Promise<Prepared> {
    const { profile, folders, resources, workBytes, furnish, seed, processes } = this.#options;
    const made: Begun = { user: NAMESPACE_USER, network };
    try {
      const folder = folders.create();
      made.folder = folder;
      if (profile.isRoot) made.user = this.#freeUser();
      made.resources = resources.open(folder.id, processes);
      furnish?.(folder, made.user);
      const command = sandboxCommand(profile, { ...folder, workBytes, user: made.user, network });
      made.sandbox = await Sandbox.prepare(command, this.#inherited);
      // Here and not at the start of an instance, because it takes longer than any other step.
      const { child, workPath } = made.sandbox;
      await made.resources.join({ pid: child.pid!, memoryFolders: [workPath] });
      const prepared = made as Prepared;
      await seed?.(prepared);
      return prepared;
    } catch (error) {
      await this.discard(made);
      throw error;
    }
  }

  #freeUser(): number {
    const count = LAST_USER - FIRST_USER + 1;
    if (this.#users.size >= count) throw new LaunchError(`all ${count} user ids for instances are in use`);
    let user = FIRST_USER + Math.floor(Math.random() * count);
    while (this.#users.has(user)) user = user === LAST_USER ? FIRST_USER : user + 1;
    this.#users.add(user);
    return user;
  }
}

function keyOf({ namespace, enter }: LeasedNetwork): string {
  return JSON.stringify([namespace, enter]);
}

/** Opens the network for these rules: an empty one without rules, the machine's without `networks`. */
export async function leaseNetwork(
  networks: Networks | undefined,
  rules: readonly string[],
  isAlone = false,
): Promise<LeasedNetwork> {
  const close = async () => {};
  if (rules.length === 0) return { namespace: "own", enter: [], close };
  if (networks === undefined) return { namespace: "outer", enter: [], close };
  const network = await networks.for(rules, isAlone);
  const { enter, path, resolvConf } = network;
  return { namespace: "outer", enter, path, resolvConf, close: () => network.close() };
}
