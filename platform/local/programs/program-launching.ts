import { chmodSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { LaunchPlanner, RuntimeFiles } from "../../../runtimes/runtime.ts";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import { modeOf } from "../../settings/runtime.ts";
import type { Settings } from "../../settings/settings.ts";
import type { InstanceFolder, InstanceFolders } from "../instances/instance-folder.ts";
import { LaunchError } from "../instances/launch-error.ts";
import type { Launched, Launcher, LaunchOrder } from "../launch/launcher.ts";
import { PlainLauncher } from "../launch/plain-launcher.ts";
import { WalledLauncher, writeScript } from "../launch/walled-launcher.ts";
import type { ProjectFiles } from "../projects/project-files.ts";
import { instanceLimits } from "../resources/instance-resources.ts";
import type { Resources } from "../resources/resources.ts";
import type { IsolationMode } from "../wall/isolation.ts";
import { insideFiles, type Profile, startScript, userFiles, type WallKind } from "../wall/profile.ts";
import { leaseNetwork, Sandboxes, type SandboxesOptions } from "../wall/sandboxes.ts";
import { type ProgramIsolation, programIsolation } from "./program-walls.ts";

/** Longest time for the program that tries a wall. */
const ATTEMPT_MS = 10_000;
/** Before, the kernel counts all processes of the user of a user namespace, also outside of it. */
const COUNTS_BY_NAMESPACE = [5, 14] as const;
/** What it does: Node starts, and starts a program. */
const ATTEMPT = 'require("node:child_process").execFileSync("true")';

const CLOSED: ProgramIsolation = { refusal: "Skiff shuts down.", description: "none: Skiff shuts down" };

export interface ProgramLaunchingOptions {
  /** Prepares the program host. */
  readonly planner: () => Promise<LaunchPlanner>;
  readonly isolation: IsolationMode;
  /** Walls that Skiff may use at all; all of them by default. */
  readonly walls?: readonly WallKind[] | undefined;
  readonly dataFolder: string;
  readonly folders: InstanceFolders;
  readonly resources: Resources;
  readonly projects: ProjectFiles;
  readonly limits: Limits;
  readonly isStarting?: () => boolean;
  /** @throws Problem `no_sandbox` if nothing here holds programs to these rules */
  readonly openNetwork: SandboxesOptions["openNetwork"];
}

/** Launches programs. It finds out what can hold them, and prepares their host, when the first one needs it. */
export class ProgramLaunching implements Pick<Launcher, "launch" | "close"> {
  readonly #options: ProgramLaunchingOptions;
  #isolation: Promise<ProgramIsolation> | undefined;
  #launcher: Promise<Launcher> | undefined;
  #commands: Sandboxes | undefined;
  #isClosed = false;

  constructor(options: ProgramLaunchingOptions) {
    this.#options = options;
  }

  /** What holds programs here. */
  isolation(): Promise<ProgramIsolation> {
    if (this.#isClosed) return Promise.resolve(CLOSED);
    const { isolation: mode, walls, dataFolder } = this.#options;
    // The host is not prepared yet.
    const runtime = { binary: process.execPath, program: process.execPath };
    const attempt = (profile: Profile) => this.#attempt(profile);
    this.#isolation ??= programIsolation({ mode, walls, dataFolder, runtime, attempt });
    return this.#isolation;
  }

  /** @throws Problem `no_sandbox` with the reason */
  async launch(order: LaunchOrder): Promise<Launched> {
    this.#launcher ??= this.#open();
    // A refusal, and a failure to prepare the host, may be gone next time.
    this.#launcher.catch(() => {
      this.#launcher = undefined;
    });
    return (await this.#launcher).launch(order);
  }

  /**
   * Sandboxes without a network, for commands.
   * @throws Problem `no_sandbox` with the reason
   */
  async commandSandboxes(): Promise<Sandboxes> {
    const { wall, refusal = "SKIFF_ISOLATION=none makes no sandboxes." } = await this.isolation();
    if (this.#commands === undefined && wall === undefined) {
      this.#isolation = undefined;
      throw new Problem("no_sandbox", `Nothing on this machine can hold a command: ${refusal}`);
    }
    this.#commands ??= this.#sandboxes(wall!, () => leaseNetwork(undefined, []));
    return this.#commands;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#isolation?.catch(() => {});
    await this.#commands?.close();
    const launcher = await this.#launcher?.catch(() => undefined);
    await launcher?.close();
  }

  async #open(): Promise<Launcher> {
    const { folders, resources, projects, limits, openNetwork } = this.#options;
    const { wall, refusal } = await this.isolation();
    if (refusal !== undefined) {
      this.#isolation = undefined;
      throw new Problem("no_sandbox", `Nothing on this machine can hold a program: ${refusal}`);
    }
    const planner = await this.#options.planner();
    if (wall === undefined) {
      const { processes } = limits;
      return new PlainLauncher({ planner, folders, resources, hasScratch: true, processes });
    }
    const countsProcesses = wall.isRoot || isKernelAtLeast(COUNTS_BY_NAMESPACE);
    const limitsOf = (settings: Settings) => limitsOfPrograms(settings, limits, countsProcesses);
    const sandboxes = this.#sandboxes({ ...wall, runtime: planner.files }, openNetwork);
    // It listens on loopback, which a shared network closes.
    const isAlone = (settings: Settings) => modeOf(settings) === "serve";
    return new WalledLauncher({ planner, sandboxes, projects, limitsOf, isAlone });
  }

  #sandboxes(profile: Profile, openNetwork: SandboxesOptions["openNetwork"]): Sandboxes {
    const { folders, resources, limits, isStarting = () => false } = this.#options;
    const { scratchBytes: workBytes, processes } = limits;
    return new Sandboxes({
      ...{ profile, folders, resources, workBytes, openNetwork, isStarting, processes },
      furnish: nameUser,
    });
  }

  /** Runs a program in a sandbox with the profile, and removes it. */
  async #attempt(profile: Profile): Promise<void> {
    const sandboxes = this.#sandboxes(profile, () => leaseNetwork(undefined, []));
    try {
      const prepared = await sandboxes.takeAlone();
      try {
        writeScript(prepared.folder.code, attemptScript(profile.runtime));
        const { child } = prepared.sandbox;
        let errors = "";
        child.stderr!.on("data", (chunk) => {
          errors += chunk;
        });
        const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
        prepared.sandbox.begin("");
        const code = await Promise.race([exited, setTimeout(ATTEMPT_MS, "late", { ref: false })]);
        if (code !== 0)
          throw new LaunchError(`Node does not start programs in it (${code}) ${errors.trim()}`);
      } finally {
        await sandboxes.discard(prepared);
      }
    } finally {
      await sandboxes.close();
    }
  }
}

/** Limits of each process. That of processes counts those of the user, who is the only one of a sandbox. */
function limitsOfPrograms(settings: Settings, limits: Limits, countsProcesses: boolean) {
  const { scratchBytes, processes } = limits;
  const common = { ...instanceLimits(settings), fileKiB: Math.ceil(scratchBytes / 1024) };
  return countsProcesses ? { ...common, processes } : common;
}

function isKernelAtLeast([major, minor]: readonly [number, number]): boolean {
  const [its = 0, itsMinor = 0] = release().split(".").map(Number);
  return its > major || (its === major && itsMinor >= minor);
}

function attemptScript(runtime: RuntimeFiles): string {
  const { binary } = insideFiles(runtime);
  return startScript({ command: [binary, "-e", ATTEMPT], env: { PATH: "/usr/bin:/bin" } }, {});
}

function nameUser({ code }: InstanceFolder, user: number): void {
  for (const [name, text] of Object.entries(userFiles(user))) {
    const path = join(code, name);
    writeFileSync(path, text);
    // `writeFile` applies the umask.
    chmodSync(path, 0o444);
  }
}
