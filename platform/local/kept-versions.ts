import type { Endpoints, Instance, Traffic, VersionEndpoints } from "../platform.ts";
import { currentVersion, type FrontSettings, frontOf } from "../traffic.ts";
import type { CallableVersion, FunctionRoute } from "./store/version-rows.ts";

/** The stored versions of one function, their ready instances and the traffic. */
export class KeptVersions {
  route: FunctionRoute = { traffic: [], whole: [], rules: {} };
  /** In ascending order. */
  #endpoints = new Map<number, VersionEndpoints>();
  /** What holds for the whole function while the version is the current one. */
  readonly #front = new Map<number, FrontSettings>();
  /** Versions that a change under way needs, once for each change. */
  readonly #held: number[] = [];
  readonly #pinned = new Set<number>();

  get traffic(): Traffic {
    return this.route.traffic;
  }

  get isEmpty(): boolean {
    return this.#endpoints.size === 0;
  }

  /** 0 if there is none. */
  get newest(): number {
    return [...this.#endpoints.keys()].at(-1) ?? 0;
  }

  /** The version with most of the traffic; the newest one without traffic. */
  get current(): number {
    return currentVersion(this.traffic) ?? this.newest;
  }

  has(version: number): boolean {
    return this.#endpoints.has(version);
  }

  isRouted(version: number): boolean {
    return isIn(this.traffic, version);
  }

  isPinned(version: number): boolean {
    return this.#pinned.has(version);
  }

  get pinned(): ReadonlySet<number> {
    return this.#pinned;
  }

  pin(version: number, isPinned: boolean): void {
    if (isPinned) this.#pinned.add(version);
    else this.#pinned.delete(version);
  }

  isHeld(version: number): boolean {
    return this.#held.includes(version);
  }

  /** Keeps versions from being forgotten, drained and scaled in until `release` is called with them. */
  hold(versions: readonly number[]): void {
    this.#held.push(...versions);
  }

  release(versions: readonly number[]): void {
    for (const version of versions) this.#held.splice(this.#held.indexOf(version), 1);
  }

  add({ version, max, timeoutMs, memoryMiB, pinned, ...more }: CallableVersion): void {
    const { concurrency, isOnce, isForeign, ...front } = more;
    this.#front.set(version, front);
    this.pin(version, pinned);
    const placing = { concurrency, ...(isOnce ? { isOnce } : {}), ...(isForeign ? { isForeign } : {}) };
    const all = [
      ...this.#endpoints.values(),
      { version, max, timeoutMs, memoryMiB, instances: [], ...placing },
    ];
    this.#endpoints = new Map(all.sort((a, b) => a.version - b.version).map((each) => [each.version, each]));
  }

  delete(version: number): void {
    this.#endpoints.delete(version);
    this.#pinned.delete(version);
    this.#front.delete(version);
  }

  /** Returns false if the version is not stored: it cannot be called then. */
  setInstances(version: number, instances: readonly Instance[]): boolean {
    const before = this.#endpoints.get(version);
    if (before !== undefined) this.#endpoints.set(version, { ...before, instances });
    return before !== undefined;
  }

  /** Returns the versions to forget so that the newest `keep` are left. Held, pinned and routed versions stay. */
  over(keep: number, { traffic = this.traffic, newest = this.newest }): number[] {
    const isNeeded = (version: number) =>
      this.isHeld(version) || this.isPinned(version) || isIn(traffic, version);
    return [...this.#endpoints.keys()].filter((version) => version <= newest - keep && !isNeeded(version));
  }

  endpoints(name: string): Endpoints {
    const { traffic, current } = this;
    const { sticky } = this.route.rules;
    return {
      name,
      traffic,
      ...(sticky === undefined ? {} : { sticky }),
      versions: [...this.#endpoints.values()],
      ...frontOf(this.#front.get(current) ?? {}, traffic.length > 0),
    };
  }
}

function isIn(traffic: Traffic, version: number): boolean {
  return traffic.some((share) => share.version === version);
}
