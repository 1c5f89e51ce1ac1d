import { createHash } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { StartMessage } from "../../../client-image/start-message.ts";
import type { Limits } from "../../limits.ts";
import { defaultSettings } from "../../settings.ts";
import { type InstanceFolders, removeFolder } from "../instances/instance-folder.ts";
import { readLines } from "../instances/output.ts";
import type { Probed } from "../network/networks.ts";
import type { Resources } from "../resources/resources.ts";
import { chooseIsolation, type Isolation, type IsolationMode } from "../wall/isolation.ts";
import { leaseNetwork } from "../wall/leased-network.ts";
import type { Profile, WallKind } from "../wall/profile.ts";
import { type Prepared, Sandboxes, type SandboxesOptions } from "../wall/sandboxes.ts";
import { CACHE_BYTES, CodeCache, WRITTEN_AFTER_MS } from "./code-cache.ts";
import type { Launcher, Program } from "./launcher.ts";
import { PlainLauncher } from "./plain-launcher.ts";
import { WalledLauncher } from "./walled-launcher.ts";

/** Least time between two attempts to put walls around networks. */
const PROBE_AGAIN_MS = 60_000;

export interface LaunchingOptions {
  readonly program: Program;
  readonly folders: InstanceFolders;
  readonly resources: Resources;
  readonly isolation: IsolationMode;
  /** Walls to try; all of WALL_KINDS by default. */
  readonly walls?: readonly WallKind[] | undefined;
  /** Opens walls around networks; absent: functions use the machine's. */
  readonly probeNetworks?: () => Promise<Probed>;
  /** Least time between two attempts at that, in milliseconds; a minute by default. */
  readonly probeAgainMs?: number;
  readonly limits: Limits;
}

/** How instances are started on this machine: what there is was found out when it was opened. */
export class Launching {
  readonly isolation: Isolation;
  readonly launcher: Launcher;
  readonly #options: LaunchingOptions;
  readonly #cache: CodeCache;
  /** Takes a moment, for which only functions that use a network wait. */
  #networks: Promise<Probed>;
  #probedAtMs = performance.now();
  readonly #closing = new AbortController();
  #warming: Promise<void> | undefined;

  private constructor(options: LaunchingOptions, cache: CodeCache, isolation: Isolation) {
    const { program, folders, resources } = options;
    this.#options = options;
    this.isolation = isolation;
    this.#cache = cache;
    const { wall, hasScratch } = isolation;
    this.#networks = wall
      ? probe(options)
      : Promise.resolve({ available: false, reason: "there is no kernel wall" });
    const openNetwork = async (rules: readonly string[]) => {
      const probed = rules.length > 0 ? await this.#networks : undefined;
      if (probed && !probed.available) this.#probeAgain();
      return leaseNetwork(probed?.available ? probed.networks : undefined, rules);
    };
    this.launcher = wall
      ? new WalledLauncher({ sandboxes: sandboxesOf(wall, options, { cache, openNetwork }), cache })
      : new PlainLauncher({ program, folders, resources, hasScratch });
  }

  /** What was in the way may have been the moment's: no route yet, no file left. The next starts have what comes of it. */
  #probeAgain(): void {
    const nowMs = performance.now();
    const { probeAgainMs = PROBE_AGAIN_MS } = this.#options;
    if (!this.isolation.wall || nowMs - this.#probedAtMs < probeAgainMs) return;
    this.#probedAtMs = nowMs;
    const before = this.#networks;
    this.#networks = before.then(() => (this.#closing.signal.aborted ? before : probe(this.#options)));
  }

  /** What holds the connections of functions in, for people. */
  async describeNetwork(): Promise<string> {
    const probed = await this.#networks;
    if (probed.available) return probed.networks.describe();
    return `Deno's permission flags alone (${probed.reason})`;
  }

  /** @throws Error in words for the person who started Skiff, if the isolation that is asked for cannot be had */
  static async open(options: LaunchingOptions): Promise<Launching> {
    const { deno, runtime } = options.program;
    const cache = cacheOf(options);
    const attempt = async (profile: Profile) => {
      const openNetwork = () => leaseNetwork(undefined, []);
      const sandboxes = sandboxesOf(profile, options, { cache, openNetwork });
      await sandboxes.discard(await sandboxes.take([]));
      await sandboxes.close();
    };
    const { isolation: mode, walls } = options;
    return new Launching(options, cache, await chooseIsolation({ mode, walls, deno, runtime, attempt }));
  }

  /** Compiles what all instances run, once for each version of Deno and of the runtime, and makes places wait. */
  async warm(): Promise<void> {
    if (!(this.launcher instanceof WalledLauncher)) return;
    this.#warming ??= this.#warm(this.launcher);
    try {
      await this.#warming;
    } catch (error) {
      // Whoever ends Skiff meanwhile does not want it any more.
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#warming?.catch(() => {});
    await this.launcher.close();
    const probed = await this.#networks;
    if (probed.available) await probed.networks.close();
    this.#options.resources.close();
  }

  async #warm(launcher: WalledLauncher): Promise<void> {
    if (!this.#cache.isWarm) await this.#compile(launcher);
    await launcher.expect(defaultSettings(this.#options.limits).permissions.net);
  }

  async #compile(launcher: WalledLauncher): Promise<void> {
    const { program, limits } = this.#options;
    const bundle = `${program.runtime}.warm.mjs`;
    writeFileSync(bundle, warmModule(), { mode: 0o600 });
    const settings = defaultSettings(limits);
    const { launched, keep } = await launcher.launchOwn({ settings, bundle, ownAddresses: [] });
    try {
      const { signal } = this.#closing;
      const nonce = "warm";
      const ready = new Promise<void>((resolve, reject) => {
        readLines(launched.child.stdout!, (line) => line === `${nonce} ready` && resolve());
        launched.child.stderr!.resume();
        launched.child.once("exit", () =>
          reject(new Error("the program that compiles the runtime ended early")),
        );
      });
      const message: StartMessage = {
        nonce,
        bundle: pathToFileURL(launched.inside.bundle).href,
        listen: { unix: launched.inside.socket },
        function: { name: "warm", version: 0 },
        env: ["TMPDIR"],
      };
      launched.begin(`${JSON.stringify(message)}\n`);
      await Promise.race([ready, setTimeout(limits.startMs, undefined, { signal, ref: false })]);
      await setTimeout(WRITTEN_AFTER_MS, undefined, { signal, ref: false });
      await keep();
    } finally {
      await launched.close();
      await removeFolder(launched.folder);
      await launched.resources.release();
      rmSync(bundle, { force: true });
    }
  }
}

function cacheOf({ program }: LaunchingOptions): CodeCache {
  return new CodeCache(program.denoDir, cacheKey(program));
}

function probe({ probeNetworks }: LaunchingOptions): Promise<Probed> {
  return probeNetworks?.() ?? Promise.resolve({ available: false, reason: "it is switched off" });
}

interface Inner {
  readonly cache: CodeCache;
  readonly openNetwork: SandboxesOptions["openNetwork"];
}

function sandboxesOf(profile: Profile, options: LaunchingOptions, { cache, openNetwork }: Inner): Sandboxes {
  const { folders, resources, limits } = options;
  const seed = (prepared: Prepared) => cache.seed(prepared);
  const workBytes = limits.scratchBytes + CACHE_BYTES;
  return new Sandboxes({ profile, folders, resources, workBytes, openNetwork, seed });
}

/** What the shared code is compiled from and by. */
function cacheKey({ deno, runtime }: Program): string {
  const { size, mtimeMs } = statSync(deno);
  return createHash("sha256").update(`${size} ${mtimeMs}`).update(readFileSync(runtime)).digest("hex");
}

/** Imports what functions often do, which Deno compiles when it is imported first. */
function warmModule(): string {
  const names = builtinModules.filter((name) => !name.startsWith("_") && !name.includes(":"));
  return `for (const name of ${JSON.stringify(names)}) await import("node:" + name).catch(() => {});
export default () => new Response("warm");
`;
}
