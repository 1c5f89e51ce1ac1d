import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { denoRunArguments } from "../../../runtimes/deno/deno-flags.ts";
import type { Settings } from "../../settings.ts";
import { type InstanceFolders, removeFolder } from "../instances/instance-folder.ts";
import { LaunchError } from "../instances/launch-error.ts";
import { instanceLimits } from "../resources/instance-limits.ts";
import type { Resources } from "../resources/resources.ts";
import { highestInherited, spawnWithout } from "../wall/inherited.ts";
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
      child = spawnWithout(this.#inherited, limited(settings, [deno, ...flags, runtime]), {
        cwd: folder.scratch,
        env: denoEnvironment(settings, { ...scratch, denoDir }),
        // A process group of its own: Ctrl-C at the terminal is for the platform, which lets calls finish.
        detached: true,
      });
      if (child.pid === undefined) {
        const [cause] = (await once(child, "error")) as [Error];
        throw new LaunchError(cause.message, { cause });
      }
      // EPIPE when it ended already, which its exit tells.
      child.stdin!.on("error", () => {});
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

/** Skiff itself may have been given fewer files, which nobody can hand on more of. */
const LIMIT_FILES = 'ulimit -n "$0" 2>/dev/null || :; exec "$@"';

/** Each socket has buffers that are no memory of the process, so its number of files is limited. */
function limited(settings: Settings, command: readonly string[]): string[] {
  return ["/bin/sh", "-c", LIMIT_FILES, String(instanceLimits(settings).openFiles), ...command];
}
