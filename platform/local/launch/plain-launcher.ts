import { spawn } from "node:child_process";
import { denoRunArguments } from "../../deno-flags.ts";
import { type InstanceFolder, type InstanceFolders, removeFolder } from "../instance-folder.ts";
import type { Isolation } from "../wall/isolation.ts";
import { denoEnvironment, type Launched, type Launcher, type LaunchOrder, type Program } from "./launcher.ts";

/** Starts Deno with its permission flags as the only wall. */
export class PlainLauncher implements Launcher {
  readonly #program: Program;
  readonly #folders: InstanceFolders;
  readonly #hasScratch: boolean;

  constructor(program: Program, folders: InstanceFolders, { hasScratch }: Pick<Isolation, "hasScratch">) {
    this.#program = program;
    this.#folders = folders;
    this.#hasScratch = hasScratch;
  }

  async launch({ settings, bundle, ownAddresses }: LaunchOrder): Promise<Launched> {
    const { deno, runtime, denoDir } = this.#program;
    const folder = this.#folders.create();
    const scratch = this.#hasScratch ? { scratch: folder.scratch } : {};
    const flags = denoRunArguments({
      settings,
      bundle,
      ...scratch,
      listen: { unix: folder.socket },
      ownAddresses,
    });
    const child = await spawnIn(
      folder,
      [deno, ...flags, runtime],
      denoEnvironment(settings, { ...scratch, denoDir }),
    );
    // EPIPE when it ended already, which its exit tells.
    child.stdin.on("error", () => {});
    return {
      folder,
      child,
      pid: child.pid ?? 0,
      inside: { bundle, socket: folder.socket, ...scratch },
      begin: (input) => void child.stdin.write(input),
      expose: () => {},
      close: () => {},
    };
  }

  async close(): Promise<void> {}
}

async function spawnIn(folder: InstanceFolder, command: readonly string[], env: Record<string, string>) {
  try {
    return spawn(command[0]!, command.slice(1), {
      cwd: folder.scratch,
      env,
      stdio: ["pipe", "pipe", "pipe"],
      // A process group of its own: Ctrl-C at the terminal is for the platform, which lets calls finish.
      detached: true,
    });
  } catch (error) {
    // The system has no process or no file left: nothing of the attempt stays.
    await removeFolder(folder);
    throw error;
  }
}
