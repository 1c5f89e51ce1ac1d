import type { Load } from "../../platform.ts";

/** The load at one router; the leader fetches it before it scales a version to 0. */
export interface RouterLoad {
  /** Time since this router started to count: an unlisted version had no call since. */
  readonly countingForMs: number;
  /** By `NAME@VERSION`. */
  readonly versions: Readonly<Record<string, VersionLoad>>;
}

export interface VersionLoad {
  readonly busy: boolean;
  /** Time since its last call; 0 while it is busy. */
  readonly idleForMs: number;
  /** Of a version whose instances take one call each. */
  readonly once?: OnceLoad;
}

export interface OnceLoad {
  readonly waiting: number;
  /** Ids of the instances with a call, and of all that had one in the last minutes. */
  readonly busy: readonly string[];
  readonly used: readonly string[];
}

/** The leader removes a used instance much sooner. */
const USED_MS = 5 * 60_000;

/** Key of a version in `RouterLoad.versions`. */
export function loadKey(name: string, version: number): string {
  return `${name}@${version}`;
}

/** Tracks the calls and wakings of each version at one router. */
export class LoadTable {
  readonly #now: () => number;
  readonly #startedMs: number;
  readonly #entries = new Map<string, { calls: number; lastMs: number }>();
  readonly #waking = new Map<string, number>();
  readonly #once = new Map<string, { load: Load; readonly used: Map<string, number> }>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedMs = now();
  }

  /** @param isOnce each instance of the version takes one call */
  report(load: Load, isOnce = false): void {
    const { name, version, inFlight, waiting } = load;
    if (isOnce) this.#reportOnce(load);
    const key = loadKey(name, version);
    const before = this.#entries.get(key);
    const calls = inFlight + waiting;
    // A repeated report of no calls does not restart the idle time.
    const lastMs = before && before.calls === 0 && calls === 0 ? before.lastMs : this.#now();
    this.#entries.set(key, { calls, lastMs });
  }

  #reportOnce(load: Load): void {
    const key = loadKey(load.name, load.version);
    const { used } = this.#once.get(key) ?? { used: new Map() };
    for (const id of load.byInstance?.().keys() ?? []) used.set(id, this.#now());
    this.#once.set(key, { load, used });
  }

  /** Calls that are in flight or waiting. */
  calls(name: string, version: number): number {
    return this.#entries.get(loadKey(name, version))?.calls ?? 0;
  }

  /** Counts the version as busy until `done` is called. */
  wakes(name: string, version: number): () => void {
    const key = loadKey(name, version);
    this.#waking.set(key, (this.#waking.get(key) ?? 0) + 1);
    return () => {
      const left = (this.#waking.get(key) ?? 1) - 1;
      if (left > 0) this.#waking.set(key, left);
      else this.#waking.delete(key);
      this.#entries.set(key, { calls: this.calls(name, version), lastMs: this.#now() });
    };
  }

  /** Forgets the load of a function, except of these versions. */
  retain(name: string, versions: readonly number[]): void {
    const kept = new Set(versions.map((version) => loadKey(name, version)));
    for (const key of this.#entries.keys()) {
      if (!key.startsWith(`${name}@`) || kept.has(key)) continue;
      this.#entries.delete(key);
      this.#once.delete(key);
    }
  }

  read(): RouterLoad {
    const now = this.#now();
    const versions: Record<string, VersionLoad> = {};
    for (const [key, { calls, lastMs }] of this.#entries) {
      const busy = calls > 0;
      versions[key] = { busy, idleForMs: busy ? 0 : now - lastMs };
    }
    for (const key of this.#waking.keys()) versions[key] = { busy: true, idleForMs: 0 };
    for (const [key, { load, used }] of this.#once) {
      for (const [id, atMs] of used) if (now - atMs > USED_MS) used.delete(id);
      const busy = [...(load.byInstance?.().keys() ?? [])];
      const once = { waiting: load.waiting, busy, used: [...used.keys()] };
      versions[key] = { ...(versions[key] ?? { busy: busy.length > 0, idleForMs: 0 }), once };
    }
    return { countingForMs: now - this.#startedMs, versions };
  }
}

/** Returns the time for which no router had a call of this version. */
export function idleForMs(key: string, loads: readonly RouterLoad[]): number {
  return Math.min(...loads.map(({ versions, countingForMs }) => versions[key]?.idleForMs ?? countingForMs));
}
