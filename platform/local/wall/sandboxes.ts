import type { InstanceFolder, InstanceFolders } from "../instance-folder.ts";
import { removeFolder } from "../instance-folder.ts";
import { type PlaceNetwork, type Profile, sandboxCommand } from "./profile.ts";
import { Sandbox } from "./sandbox.ts";

/** Sandboxes that wait, of each network that was used last: making one takes longer than starting Deno in it may. */
export const WAITING_SANDBOXES = 2;
/** Networks for which some wait. */
const NETWORKS = 4;
/** The last one taken is being started meanwhile: it has the processor first. */
const REFILL_AFTER_MS = 60;
/**
 * User ids of instances where Skiff runs as root: the range that systemd gives to services without a user of their own
 * (DynamicUser), so no person's.
 */
const FIRST_USER = 61_184;
const LAST_USER = 65_519;
/** Inside of a user namespace ids mean nothing to the machine. */
const NAMESPACE_USER = 1_993;

export interface SandboxesOptions {
  readonly profile: Profile;
  readonly folders: InstanceFolders;
  /** Size of the folder in memory. */
  readonly workBytes: number;
  /** Puts into a new sandbox what every instance needs. */
  readonly seed: (prepared: Prepared) => Promise<void>;
}

/** A sandbox and the folder of the instance that it becomes. */
export interface Prepared {
  readonly sandbox: Sandbox;
  readonly folder: InstanceFolder;
  /** Owner of what the function writes. */
  readonly user: number;
}

/** Makes walled places for instances, and keeps a few waiting. */
export class Sandboxes {
  readonly #options: SandboxesOptions;
  /** In order of use, the last used network last. */
  readonly #waiting = new Map<string, { network: PlaceNetwork; prepared: Prepared[] }>();
  readonly #users = new Set<number>();
  readonly #making = new Set<Promise<unknown>>();
  #refill: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SandboxesOptions) {
    this.#options = options;
  }

  /** A sandbox that waits, or a new one. @throws Error if it cannot be made */
  async take(network: PlaceNetwork): Promise<Prepared> {
    const key = keyOf(network);
    const known = this.#waiting.get(key) ?? { network, prepared: [] };
    this.#waiting.delete(key);
    this.#waiting.set(key, known);
    this.#scheduleRefill();
    for (;;) {
      const next = known.prepared.shift();
      if (!next) return await this.#make(network);
      if (!next.sandbox.isEnded) return next;
      await this.discard(next);
    }
  }

  /** The instance in it has ended. */
  release({ user }: Prepared): void {
    this.#users.delete(user);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    await Promise.allSettled(this.#making);
    await this.empty();
  }

  /** Removes those that wait: the next ones have what is new. */
  async empty(): Promise<void> {
    const left = [...this.#waiting.values()].flatMap(({ prepared }) => prepared);
    for (const each of this.#waiting.values()) each.prepared = [];
    await Promise.all(left.map((each) => this.discard(each)));
    if (left.length > 0) this.#scheduleRefill();
  }

  #scheduleRefill(): void {
    clearTimeout(this.#refill);
    if (this.#isClosed) return;
    this.#refill = setTimeout(() => {
      if (this.#making.size > 0) return this.#scheduleRefill();
      const filling = this.#fill().finally(() => this.#making.delete(filling));
      this.#making.add(filling);
    }, REFILL_AFTER_MS);
    this.#refill.unref();
  }

  async #fill(): Promise<void> {
    const [surplus] = this.#waiting;
    if (surplus && this.#waiting.size > NETWORKS) {
      this.#waiting.delete(surplus[0]);
      await Promise.all(surplus[1].prepared.map((each) => this.discard(each)));
    }
    const last = [...this.#waiting.values()].at(-1);
    while (last && !this.#isClosed && last.prepared.length < WAITING_SANDBOXES) {
      try {
        // Only now: what waits may have been replaced meanwhile.
        const made = await this.#make(last.network);
        last.prepared.push(made);
      } catch {
        // Whoever needs one makes it, and is told why that fails.
        return;
      }
    }
  }

  async #make(network: PlaceNetwork): Promise<Prepared> {
    const { profile, folders, workBytes, seed } = this.#options;
    const folder = folders.create();
    let sandbox: Sandbox | undefined;
    const user = profile.isRoot ? this.#freeUser() : NAMESPACE_USER;
    try {
      const { code, work, root } = folder;
      const command = sandboxCommand(profile, { code, work, root, workBytes, user, network });
      sandbox = await Sandbox.prepare(command);
      const prepared = { sandbox, folder, user };
      await seed(prepared);
      return prepared;
    } catch (error) {
      sandbox?.close();
      this.#users.delete(user);
      await removeFolder(folder);
      throw error;
    }
  }

  /** Removes one that no instance has run in. */
  async discard(prepared: Prepared): Promise<void> {
    prepared.sandbox.close();
    this.release(prepared);
    await removeFolder(prepared.folder);
  }

  #freeUser(): number {
    const count = LAST_USER - FIRST_USER + 1;
    if (this.#users.size >= count)
      throw new Error(`${count} instances run already, as many as there are users for`);
    let user = FIRST_USER + Math.floor(Math.random() * count);
    while (this.#users.has(user)) user = user === LAST_USER ? FIRST_USER : user + 1;
    this.#users.add(user);
    return user;
  }
}

function keyOf({ namespace, enter, resolvConf = "" }: PlaceNetwork): string {
  return JSON.stringify([namespace, enter, resolvConf]);
}
