import { chmodSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ResourceLimits } from "../../../process/sandbox/command.ts";
import type { CodeCache } from "../../../runtimes/deno/code-cache.ts";
import type { LaunchPlan, LaunchPlanner } from "../../../runtimes/runtime.ts";
import type { Settings } from "../../settings/settings.ts";
import { linkFile } from "../projects/link-file.ts";
import type { ProjectFiles } from "../projects/project-files.ts";
import { instanceLimits } from "../resources/instance-resources.ts";
import type { ArtifactFile } from "../store/bundle-files.ts";
import { INSIDE, insideFiles, startScript } from "../wall/profile.ts";
import type { Prepared, Sandboxes } from "../wall/sandboxes.ts";
import { EarlyPrograms } from "./early-programs.ts";
import { type EarlyOrder, type Launched, type Launcher, type LaunchOrder, planFor } from "./launcher.ts";

export interface WalledOptions {
  readonly planner: LaunchPlanner;
  readonly sandboxes: Sandboxes;
  /** Absent: nothing is compiled. */
  readonly cache?: CodeCache;
  readonly projects: ProjectFiles;
  /** Limits of each process; `instanceLimits` by default. */
  readonly limitsOf?: (settings: Settings) => ResourceLimits;
  /** Whether an instance has a network for itself; by default none has. */
  readonly isAlone?: (settings: Settings) => boolean;
}

/** A program and the script that starts it. */
interface Program {
  readonly plan: LaunchPlan;
  readonly script: string;
}

/** Launches programs in waiting sandboxes. */
export class WalledLauncher implements Launcher {
  readonly #options: WalledOptions;
  readonly #early: EarlyPrograms;

  constructor(options: WalledOptions) {
    this.#options = options;
    this.#early = new EarlyPrograms(options.sandboxes);
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    return (await this.launchIn(order)).launched;
  }

  async launchIn(order: LaunchOrder): Promise<{ launched: Launched; sandbox: Prepared }> {
    const { sandboxes, isAlone = () => false } = this.#options;
    const program = this.#program(order);
    const { settings } = order;
    const take = () => sandboxes.take(settings.permissions.net, isAlone(settings));
    const sandbox = (await this.#early.take(keyOf(program, order))) ?? (await take());
    try {
      return { launched: await this.#launchIn(sandbox, order, program), sandbox };
    } catch (error) {
      await sandboxes.discard(sandbox);
      throw error;
    }
  }

  startEarly({ settings, ownAddresses }: EarlyOrder): void {
    // Its name, version and nonce are in the message that it gets later.
    const artifact = { path: INSIDE.module };
    const program = this.#program({ name: "early", version: 0, settings, ownAddresses, artifact });
    const run = ({ sandbox, folder, resources }: Prepared) => {
      resources.limit(settings.memoryMiB);
      writeScript(folder.code, program.script);
      sandbox.run();
    };
    this.#early.start({ key: keyOf(program, { settings }), net: settings.permissions.net, run });
  }

  /** Gives the code that was compiled in a sandbox to all later instances. */
  async keep(sandbox: Prepared): Promise<void> {
    const { sandboxes, cache } = this.#options;
    await cache?.keep(sandbox);
    await sandboxes.empty();
  }

  /** Makes sandboxes wait for functions with these `net` rules. */
  expect(net: readonly string[]): Promise<void> {
    return this.#options.sandboxes.expect(net);
  }

  #program(order: LaunchOrder): Program {
    const { planner, limitsOf = instanceLimits } = this.#options;
    const { socket, scratch, cache } = INSIDE;
    const { project } = order.artifact;
    const artifact = project === undefined ? { path: INSIDE.module } : { path: INSIDE.project, project };
    const plan = planFor(planner, order, {
      files: insideFiles(planner.files),
      ...{ artifact, socket, scratch, cache },
      // Of its sandbox.
      ownsProcesses: true,
    });
    return { plan, script: startScript(plan, limitsOf(order.settings)) };
  }

  async #launchIn(prepared: Prepared, order: LaunchOrder, { plan, script }: Program): Promise<Launched> {
    const { sandboxes, cache } = this.#options;
    const { sandbox, folder, resources } = prepared;
    await this.#place(order.artifact, folder.code);
    const provided = await cache?.provide(order.artifact.path, prepared);
    if (!sandbox.runs) writeScript(folder.code, script);
    return {
      ...{ folder, child: sandbox.child, pid: sandbox.pid, plan, resources },
      begin: () => sandbox.begin(`${plan.input}\n`),
      expose: () => symlinkSync(sandbox.pinSocket(), folder.socket),
      loaded: () => provided?.loaded(),
      close: async () => {
        await provided?.close();
        // The link goes first: a closed descriptor's number may lead to another file.
        rmSync(folder.socket, { force: true });
        return await sandboxes.discard(prepared);
      },
    };
  }

  /** Puts an artifact into the folder that is read-only inside. */
  async #place({ path, project }: ArtifactFile, code: string): Promise<void> {
    if (project === undefined) linkFile(path, join(code, basename(INSIDE.module)));
    else await this.#options.projects.place(path, join(code, basename(INSIDE.project)));
  }

  async close(): Promise<void> {
    await this.#early.close();
    await this.#options.sandboxes.close();
  }
}

/** Equal for launches that differ in the start message alone. Networks depend on the rules, not on the flags. */
function keyOf({ script }: Program, { settings }: Pick<LaunchOrder, "settings">): string {
  return JSON.stringify([script, settings.permissions.net, settings.memoryMiB]);
}

/** Writes what a waiting sandbox runs. */
export function writeScript(code: string, script: string): void {
  const path = join(code, basename(INSIDE.start));
  writeFileSync(path, script, { mode: 0o444 });
  chmodSync(path, 0o444);
}
