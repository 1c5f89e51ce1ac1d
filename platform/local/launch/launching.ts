import { createHash } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { StartMessage } from "../../../client-image/start-message.ts";
import type { Limits } from "../../limits.ts";
import { defaultSettings, type Settings } from "../../settings.ts";
import { type InstanceFolders, removeFolder } from "../instance-folder.ts";
import { readLines } from "../output.ts";
import { chooseIsolation, type Isolation, type IsolationMode } from "../wall/isolation.ts";
import type { PlaceNetwork, Profile } from "../wall/profile.ts";
import { type Prepared, Sandboxes } from "../wall/sandboxes.ts";
import { CodeCache, WRITTEN_AFTER_MS } from "./code-cache.ts";
import type { Launcher, Program } from "./launcher.ts";
import { PlainLauncher } from "./plain-launcher.ts";
import { WalledLauncher } from "./walled-launcher.ts";

export interface LaunchingOptions {
  readonly program: Program;
  readonly folders: InstanceFolders;
  readonly isolation: IsolationMode;
  readonly limits: Limits;
}

/** How instances are started on this machine: what there is was found out when it was opened. */
export class Launching {
  readonly isolation: Isolation;
  readonly launcher: Launcher;
  readonly #options: LaunchingOptions;
  readonly #cache: CodeCache;
  readonly #closing = new AbortController();
  #warming: Promise<void> | undefined;

  private constructor(options: LaunchingOptions, cache: CodeCache, isolation: Isolation) {
    const { program, folders } = options;
    this.#options = options;
    this.isolation = isolation;
    this.#cache = cache;
    const { wall } = isolation;
    this.launcher = wall
      ? new WalledLauncher({ sandboxes: sandboxesOf(wall, cache, options), cache, networkOf })
      : new PlainLauncher(program, folders, isolation);
  }

  /** @throws Error in words for the person who started Skiff, if the isolation that is asked for cannot be had */
  static async open(options: LaunchingOptions): Promise<Launching> {
    const { deno, runtime } = options.program;
    const cache = cacheOf(options);
    const attempt = async (profile: Profile) => {
      const sandboxes = sandboxesOf(profile, cache, options);
      await sandboxes.discard(await sandboxes.take({ namespace: "own", enter: [] }));
      await sandboxes.close();
    };
    const mode = options.isolation;
    return new Launching(options, cache, await chooseIsolation({ mode, deno, runtime, attempt }));
  }

  /** Compiles what all instances run, once for each version of Deno and of the runtime. */
  async warm(): Promise<void> {
    if (!(this.launcher instanceof WalledLauncher) || this.#cache.isWarm) return;
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
  }

  async #warm(launcher: WalledLauncher): Promise<void> {
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
      launched.close();
      await removeFolder(launched.folder);
      rmSync(bundle, { force: true });
    }
  }
}

function cacheOf({ program }: LaunchingOptions): CodeCache {
  return new CodeCache(program.denoDir, cacheKey(program));
}

function sandboxesOf(profile: Profile, cache: CodeCache, { folders, limits }: LaunchingOptions): Sandboxes {
  const seed = (prepared: Prepared) => cache.seed(prepared);
  return new Sandboxes({ profile, folders, workBytes: limits.scratchBytes, seed });
}

async function networkOf({ permissions }: Settings): Promise<PlaceNetwork> {
  return { namespace: permissions.net.length === 0 ? "own" : "outer", enter: [] };
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
