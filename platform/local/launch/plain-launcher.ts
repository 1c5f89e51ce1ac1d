import type { ChildProcess } from "node:child_process";
import { limitedCommand } from "../../../process/sandbox/command.ts";
import { highestInherited, spawnDetached } from "../../../process/sandbox/spawn.ts";
import type { LaunchPlanner } from "../../../runtimes/runtime.ts";
import { type InstanceFolders, removeInstance } from "../instances/instance-folder.ts";
import { notSpawned } from "../instances/launch-error.ts";
import { endMarked, MARK } from "../programs/marked-processes.ts";
import { instanceLimits } from "../resources/instance-resources.ts";
import type { Resources } from "../resources/resources.ts";
import { type Launched, type Launcher, type LaunchOrder, planFor } from "./launcher.ts";

export interface PlainOptions {
  readonly planner: LaunchPlanner;
  readonly folders: InstanceFolders;
  readonly resources: Resources;
  /** True: instances get a folder to write to. */
  readonly hasScratch: boolean;
  /** Folder for the compiled code of all instances; absent: nothing is compiled. */
  readonly cache?: string;
  /** Absent: instances start no programs. See Resources.open. */
  readonly processes?: number;
}

/** Launches programs without a kernel wall: the permissions of the plan alone limit them. */
export class PlainLauncher implements Launcher {
  readonly #options: PlainOptions;
  readonly #inherited = highestInherited();

  constructor(options: PlainOptions) {
    this.#options = options;
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    const { planner, folders, resources: all, hasScratch, cache = "", processes } = this.#options;
    const folder = folders.create();
    const resources = all.open(folder.id, processes);
    const { socket, scratch } = folder;
    const paths = { files: planner.files, artifact: order.artifact, socket, cache };
    const startsPrograms = processes !== undefined;
    const plan = planFor(
      planner,
      startsPrograms ? marked(order, folder.id) : order,
      hasScratch ? { ...paths, scratch } : paths,
    );
    let child: ChildProcess;
    try {
      child = spawnDetached(limitedCommand(instanceLimits(order.settings), plan.command), {
        cwd: plan.cwd ?? scratch,
        env: plan.env,
        inherited: this.#inherited,
      });
      if (child.pid === undefined) throw await notSpawned(child);
      await resources.join({ pid: child.pid, memoryFolders: [] });
    } catch (error) {
      // A shortage of processes or open files: leave nothing behind.
      await removeInstance(folder, resources);
      throw error;
    }
    return {
      ...{ folder, child, pid: child.pid, plan, resources },
      begin: () => void child.stdin!.write(`${plan.input}\n`),
      expose: () => {},
      loaded: () => {},
      close: async () => {
        if (startsPrograms) await endMarked(folder.id);
        return await removeInstance(folder, resources);
      },
    };
  }

  /** Without a sandbox, the paths of a program depend on its artifact. */
  startEarly(): void {}

  async close(): Promise<void> {}
}

function marked(order: LaunchOrder, id: string): LaunchOrder {
  const { settings } = order;
  return { ...order, settings: { ...settings, env: { ...settings.env, [MARK]: id } } };
}
