import type { Platform, Share, VersionNote, VersionRecord } from "../../platform/platform.ts";
import { Problem, unknownFunction } from "../../platform/problems.ts";
import { currentVersion } from "../../platform/traffic.ts";
import { versionHash } from "../../platform/version-hash.ts";
import { asksForOlder, withNewestSecrets } from "./newest-secrets.ts";
import type { Starts } from "./starts.ts";

/** A new value of a secret is given up for a function whose traffic changes this often meanwhile. */
const TRIES = 3;

export interface SecretRefreshOptions {
  readonly platform: Platform;
  readonly starts: Starts;
  /** Aborts a refresh before its commit. */
  readonly signal: AbortSignal;
}

/** Makes new versions of functions after one of their secrets has changed. */
export class SecretRefresh {
  readonly #options: SecretRefreshOptions;

  constructor(options: SecretRefreshOptions) {
    this.#options = options;
  }

  /**
   * Makes a new version of each version with traffic that asks for an older version of a secret, and gives it the
   * traffic of that one. Returns the current version; undefined if nothing was changed.
   * @throws Problem `unknown_function`, `invalid_setting` if a secret was removed; errors of the platform
   */
  async run(name: string, note: VersionNote): Promise<number | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#refresh(name, note);
      } catch (error) {
        // A rollback waits for no deploy.
        const isRerouted = error instanceof Problem && error.code === "precondition_failed";
        if (!isRerouted || tries === TRIES) throw error;
      }
    }
  }

  async #refresh(name: string, note: VersionNote): Promise<number | undefined> {
    const { platform, signal } = this.#options;
    const { traffic = [], sticky, guard } = (await platform.describe(name)) ?? {};
    const next: Share[] = [];
    for (const { version, weight } of traffic) {
      next.push({ version: await this.#newest({ name, version }, note), weight });
    }
    if (next.every(({ version }, index) => version === traffic[index]!.version)) return undefined;
    const expected = [currentVersion(traffic)!];
    await platform.route(name, next, signal, { sticky, guard, expected });
    return currentVersion(next);
  }

  /** Returns the number of a version with the newest secrets: its own, or that of a new one with the same content. */
  async #newest(
    { name, version }: Pick<VersionRecord, "name" | "version">,
    note: VersionNote,
  ): Promise<number> {
    const { platform, starts, signal } = this.#options;
    const record = await platform.find(name, version);
    if (record === undefined) throw unknownFunction(name);
    const { settings: former, sourceHash } = record;
    return await withNewestSecrets(platform.secrets, former, async (settings) => {
      if (!asksForOlder(former, settings)) return version;
      const hash = versionHash(sourceHash, settings);
      const draft = { name, hash, sourceHash, settings, content: { sameAs: version }, note };
      return (await starts.run(() => platform.store(draft, signal), signal)).version;
    });
  }
}
