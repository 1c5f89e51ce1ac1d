import { rmSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { CACHE_BYTES, CodeCache, WARM_MODULE, WRITTEN_AFTER_MS } from "../../../runtimes/deno/code-cache.ts";
import type { LaunchPlanner } from "../../../runtimes/runtime.ts";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import { defaultSettings, type Settings } from "../../settings/settings.ts";
import type { InstanceFolders } from "../instances/instance-folder.ts";
import { readLines } from "../instances/output.ts";
import type { Probed } from "../network/networks.ts";
import { ProgramLaunching } from "../programs/program-launching.ts";
import type { ProjectFiles } from "../projects/project-files.ts";
import type { Resources } from "../resources/resources.ts";
import { chooseIsolation, type Isolation, type IsolationMode } from "../wall/isolation.ts";
import type { Profile, WallKind } from "../wall/profile.ts";
import {
  type LeasedNetwork,
  leaseNetwork,
  type Prepared,
  Sandboxes,
  type SandboxesOptions,
} from "../wall/sandboxes.ts";
import { ChosenLauncher } from "./chosen-launcher.ts";
import type { Launcher } from "./launcher.ts";
import { PlainLauncher } from "./plain-launcher.ts";
import { WalledLauncher } from "./walled-launcher.ts";

/** Least time between two probes of the networks. */
const PROBE_AGAIN_MS = 60_000;

export interface LaunchingOptions {
  readonly planner: LaunchPlanner;
  /** Prepares the host of programs, when the first one is launched. */
  readonly programPlanner: () => Promise<LaunchPlanner>;
  /** A real path. */
  readonly dataFolder: string;
  /** Folder for compiled code, which makes later starts faster. */
  readonly cacheFolder: string;
  readonly folders: InstanceFolders;
  readonly resources: Resources;
  readonly projects: ProjectFiles;
  /** Whether instances start now. */
  readonly isStarting?: () => boolean;
  readonly isolation: IsolationMode;
  /** Walls to try; all of WALL_KINDS by default. */
  readonly walls?: readonly WallKind[] | undefined;
  /** Opens walls around networks; absent: functions use the machine's network. */
  readonly probeNetworks?: (() => Promise<Probed>) | undefined;
  /** Least time between two probes of the networks; a minute by default. */
  readonly probeAgainMs?: number;
  readonly limits: Limits;
}

interface Opening extends LaunchingOptions {
  readonly cache: CodeCache;
}

/** Chooses once how this machine launches instances. */
export class Launching {
  readonly isolation: Isolation;
  readonly launcher: Launcher;
  readonly #options: Opening;
  readonly #deno: Launcher;
  readonly #programs: ProgramLaunching;
  /** Only starts of functions with rules for the network wait for it, so it begins with the first that needs it. */
  #probed: Promise<Probed> | undefined;
  #probedAtMs = 0;
  readonly #closing = new AbortController();
  #warming: Promise<void> | undefined;

  private constructor(options: Opening, isolation: Isolation) {
    const { planner, cache, folders, resources, projects } = options;
    this.#options = options;
    this.isolation = isolation;
    const { wall, hasScratch } = isolation;
    const openNetwork = async (rules: readonly string[]) => {
      const probed = rules.length > 0 ? await this.#networks() : undefined;
      if (probed && !probed.available) this.#probeAgain();
      return leaseNetwork(probed?.available ? probed.networks : undefined, rules);
    };
    this.#deno = wall
      ? new WalledLauncher({ planner, sandboxes: sandboxesOf(wall, options, openNetwork), cache, projects })
      : new PlainLauncher({ planner, folders, resources, hasScratch, cache: cache.openWritable() });
    this.#programs = new ProgramLaunching({
      ...options,
      planner: options.programPlanner,
      openNetwork: (rules, isAlone) => this.openForPrograms(rules, isAlone),
    });
    this.launcher = new ChosenLauncher(this.#deno, this.#programs);
  }

  /** Describes what holds programs, for people. Tries it with the first call. */
  async describePrograms(): Promise<{ readonly files: string; readonly network: string }> {
    const { description: files, isOpen } = await this.#programs.isolation();
    if (isOpen) return { files, network: "that of this machine, whatever `net` says" };
    const probed = await this.#networks();
    if (!probed.available)
      return { files, network: `none: other \`net\` rules are refused (${probed.reason})` };
    const names = "host names in `net` open every public address";
    return { files, network: `none without \`net\`, else ${probed.networks.describe()}; ${names}` };
  }

  /** Sandboxes for commands. @throws Problem `no_sandbox` with the reason */
  commandSandboxes(): Promise<Sandboxes> {
    return this.#programs.commandSandboxes();
  }

  /** Nothing but the kernel holds programs to their rules. @throws Problem `no_sandbox` */
  async openForPrograms(rules: readonly string[], isAlone = false): Promise<LeasedNetwork> {
    if (rules.length === 0) return await leaseNetwork(undefined, rules);
    const probed = await this.#networks();
    if (probed.available) return await leaseNetwork(probed.networks, rules, isAlone);
    this.#probeAgain();
    const detail = `Nothing on this machine can hold a program to the setting "net" (${rules.join(", ")}): ${probed.reason}. Deploy it with net=none, or see docs/isolation.md for what the network wall needs.`;
    throw new Problem("no_sandbox", detail, { setting: "net" });
  }

  #networks(): Promise<Probed> {
    if (this.#probed) return this.#probed;
    if (this.#closing.signal.aborted)
      return Promise.resolve({ available: false, reason: "Skiff shuts down" });
    this.#probedAtMs = performance.now();
    this.#probed = this.isolation.wall
      ? probe(this.#options)
      : Promise.resolve({ available: false, reason: "there is no kernel wall" });
    return this.#probed;
  }

  /** Probes the networks again, because the cause may be gone. The result applies to later starts. */
  #probeAgain(): void {
    const nowMs = performance.now();
    const { probeAgainMs = PROBE_AGAIN_MS } = this.#options;
    if (!this.isolation.wall || nowMs - this.#probedAtMs < probeAgainMs) return;
    this.#probedAtMs = nowMs;
    const before = this.#networks();
    this.#probed = before.then(() => (this.#closing.signal.aborted ? before : probe(this.#options)));
  }

  /** Describes what limits the connections of functions, for people. */
  async describeNetwork(): Promise<string> {
    const probed = await this.#networks();
    if (probed.available) return probed.networks.describe();
    return `Deno's permission flags alone (${probed.reason})`;
  }

  /** @throws Error with advice for the operator if the requested isolation does not work here */
  static async open(options: LaunchingOptions): Promise<Launching> {
    const { isolation: mode, walls, planner, cacheFolder } = options;
    const opening: Opening = { ...options, cache: CodeCache.open(cacheFolder, planner.files) };
    const attempt = async (profile: Profile) => {
      const sandboxes = sandboxesOf(profile, opening, () => leaseNetwork(undefined, []));
      await sandboxes.discard(await sandboxes.takeAlone());
      await sandboxes.close();
    };
    const isolation = await chooseIsolation({ mode, walls, runtime: planner.files, attempt });
    return new Launching(opening, isolation);
  }

  /** Compiles the runtime of all instances, once for each version of it and of Deno, and makes sandboxes wait. */
  async warm(): Promise<void> {
    if (!(this.#deno instanceof WalledLauncher) || this.#closing.signal.aborted) return;
    this.#warming ??= this.#warm(this.#deno);
    // A shutdown aborts it.
    await this.#warming.catch((error) => this.#closing.signal.aborted || Promise.reject(error));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#warming?.catch(() => {});
    await this.launcher.close();
    const probed = await this.#probed;
    if (probed?.available) await probed.networks.close();
    this.#options.resources.close();
  }

  async #warm(launcher: WalledLauncher): Promise<void> {
    const settings = defaultSettings(this.#options.limits);
    if (!this.#options.cache.isWarm) await this.#compile(launcher, settings);
    await launcher.expect(settings.permissions.net);
  }

  async #compile(launcher: WalledLauncher, { permissions, ...others }: Settings): Promise<void> {
    const { planner, limits } = this.#options;
    const artifact = { path: `${planner.files.program}.warm.mjs` };
    writeFileSync(artifact.path, WARM_MODULE, { mode: 0o600 });
    const settings = { ...others, permissions: { ...permissions, net: [] } };
    const order = { name: "warm", version: 0, settings, ownAddresses: [], artifact };
    const { launched, sandbox } = await launcher.launchIn(order);
    try {
      const { signal } = this.#closing;
      const ready = new Promise<void>((resolve, reject) => {
        readLines(launched.child.stdout!, (line) => line === launched.plan.readyLine && resolve());
        launched.child.stderr!.resume();
        const early = new Error("the program that compiles the runtime ended early");
        launched.child.once("exit", () => reject(early));
      });
      launched.begin();
      await Promise.race([ready, setTimeout(limits.startMs, undefined, { signal, ref: false })]);
      await setTimeout(WRITTEN_AFTER_MS, undefined, { signal, ref: false });
      await launcher.keep(sandbox);
    } finally {
      await launched.close();
      rmSync(artifact.path, { force: true });
    }
  }
}

function probe({ probeNetworks }: LaunchingOptions): Promise<Probed> {
  return probeNetworks?.() ?? Promise.resolve({ available: false, reason: "it is switched off" });
}

function sandboxesOf(
  profile: Profile,
  { cache, folders, resources, limits, isStarting = () => false }: Opening,
  openNetwork: SandboxesOptions["openNetwork"],
): Sandboxes {
  const seed = (prepared: Prepared) => cache.seed(prepared);
  const workBytes = limits.scratchBytes + CACHE_BYTES;
  return new Sandboxes({ profile, folders, resources, workBytes, openNetwork, seed, isStarting });
}
