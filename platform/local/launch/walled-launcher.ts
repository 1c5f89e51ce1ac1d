import { chmodSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { CodeCache } from "../../../runtimes/deno/code-cache.ts";
import type { LaunchPlanner } from "../../../runtimes/runtime.ts";
import { linkFile } from "../projects/link-file.ts";
import type { ProjectFiles } from "../projects/project-files.ts";
import { instanceLimits } from "../resources/instance-resources.ts";
import type { ArtifactFile } from "../store/bundle-files.ts";
import { INSIDE, insideFiles, startScript } from "../wall/profile.ts";
import type { Prepared, Sandboxes } from "../wall/sandboxes.ts";
import { type Launched, type Launcher, type LaunchOrder, planFor } from "./launcher.ts";

export interface WalledOptions {
  readonly planner: LaunchPlanner;
  readonly sandboxes: Sandboxes;
  readonly cache: CodeCache;
  readonly projects: ProjectFiles;
}

/** Launches programs in waiting sandboxes. */
export class WalledLauncher implements Launcher {
  readonly #options: WalledOptions;

  constructor(options: WalledOptions) {
    this.#options = options;
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    return (await this.launchIn(order)).launched;
  }

  async launchIn(order: LaunchOrder): Promise<{ launched: Launched; sandbox: Prepared }> {
    const { sandboxes } = this.#options;
    const sandbox = await sandboxes.take(order.settings.permissions.net);
    try {
      return { launched: await this.#launchIn(sandbox, order), sandbox };
    } catch (error) {
      await sandboxes.discard(sandbox);
      throw error;
    }
  }

  /** Gives the code that was compiled in a sandbox to all later instances. */
  async keep(sandbox: Prepared): Promise<void> {
    const { sandboxes, cache } = this.#options;
    await cache.keep(sandbox);
    await sandboxes.empty();
  }

  /** Makes sandboxes wait for functions with these `net` rules. */
  expect(net: readonly string[]): Promise<void> {
    return this.#options.sandboxes.expect(net);
  }

  async #launchIn(prepared: Prepared, order: LaunchOrder): Promise<Launched> {
    const { planner, sandboxes, cache } = this.#options;
    const { sandbox, folder, resources } = prepared;
    const { socket, scratch, cache: cacheFolder } = INSIDE;
    const artifact = await this.#place(order.artifact, folder.code);
    const provided = await cache.provide(order.artifact.path, prepared);
    const files = insideFiles(planner.files);
    const plan = planFor(planner, order, { files, artifact, socket, scratch, cache: cacheFolder });
    const script = join(folder.code, basename(INSIDE.start));
    writeFileSync(script, startScript(plan, instanceLimits(order.settings)), { mode: 0o444 });
    chmodSync(script, 0o444);
    return {
      ...{ folder, child: sandbox.child, pid: sandbox.pid, plan, resources },
      begin: () => sandbox.begin(`${plan.input}\n`),
      expose: () => symlinkSync(sandbox.pinSocket(), folder.socket),
      loaded: () => provided.loaded(),
      close: async () => {
        await provided.close();
        // The link goes first: a closed descriptor's number may lead to another file.
        rmSync(folder.socket, { force: true });
        return await sandboxes.discard(prepared);
      },
    };
  }

  /** Puts an artifact into the folder that is read-only inside. Returns where it is inside. */
  async #place({ path, project }: ArtifactFile, code: string): Promise<ArtifactFile> {
    if (project === undefined) {
      linkFile(path, join(code, basename(INSIDE.module)));
      return { path: INSIDE.module };
    }
    await this.#options.projects.place(path, join(code, basename(INSIDE.project)));
    return { path: INSIDE.project, project };
  }

  close(): Promise<void> {
    return this.#options.sandboxes.close();
  }
}
