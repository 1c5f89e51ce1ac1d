import type { ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limitedCommand } from "../../../process/sandbox/command.ts";
import { highestInherited, spawnDetached } from "../../../process/sandbox/spawn.ts";
import { denoRunArguments } from "../../../runtimes/deno/deno-flags.ts";
import { type InstanceFolders, removeFolder } from "../instances/instance-folder.ts";
import { notSpawned } from "../instances/launch-error.ts";
import { instanceLimits } from "../resources/instance-limits.ts";
import type { Resources } from "../resources/resources.ts";
import { denoEnvironment, type Launched, type Launcher, type LaunchOrder, type Program } from "./launcher.ts";

export interface PlainOptions {
  readonly program: Program;
  readonly folders: InstanceFolders;
  readonly resources: Resources;
  /** Instances get a folder to write to. */
  readonly hasScratch: boolean;
}

/** Starts Deno with its permission flags as the only wall. */
export class PlainLauncher implements Launcher {
  readonly #program: Program;
  readonly #folders: InstanceFolders;
  readonly #resources: Resources;
  readonly #hasScratch: boolean;
  readonly #inherited = highestInherited();

  constructor({ program, folders, resources, hasScratch }: PlainOptions) {
    // All instances write to it, so it is not what sandboxes get a copy of, and lasts as long as Skiff runs.
    const denoDir = join(program.denoDir, "shared");
    rmSync(denoDir, { recursive: true, force: true });
    mkdirSync(denoDir, { mode: 0o700 });
    // Deno would keep what functions put into the Cache API and localStorage in a folder of this name.
    writeFileSync(join(denoDir, "location_data"), "");
    this.#program = { ...program, denoDir };
    this.#folders = folders;
    this.#resources = resources;
    this.#hasScratch = hasScratch;
  }

  async launch({ settings, bundle, ownAddresses }: LaunchOrder): Promise<Launched> {
    const { deno, runtime, denoDir } = this.#program;
    const folder = this.#folders.create();
    const resources = this.#resources.open(folder.id);
    const scratch = this.#hasScratch ? { scratch: folder.scratch } : {};
    const flags = denoRunArguments({
      settings,
      bundle,
      ...scratch,
      listen: { unix: folder.socket },
      ownAddresses,
    });
    let child: ChildProcess;
    try {
      child = spawnDetached(limitedCommand(instanceLimits(settings), [deno, ...flags, runtime]), {
        cwd: folder.scratch,
        env: denoEnvironment(settings, { ...scratch, denoDir }),
        inherited: this.#inherited,
      });
      if (child.pid === undefined) throw await notSpawned(child);
      await resources.join({ pid: child.pid ?? 0, memoryFolders: [] });
    } catch (error) {
      // The system has no process or no file left: nothing of the attempt stays.
      await removeFolder(folder);
      await resources.release();
      throw error;
    }
    return {
      folder,
      child,
      pid: child.pid ?? 0,
      resources,
      inside: { bundle, socket: folder.socket, ...scratch },
      begin: (input) => void child.stdin!.write(input),
      expose: () => {},
      close: async () => {},
    };
  }

  async close(): Promise<void> {}
}
