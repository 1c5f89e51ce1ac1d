import { chmodSync, copyFileSync, linkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type CodeCache, type ProvidedCache, UNKEPT } from "../../../runtimes/deno/code-cache.ts";
import type { LaunchPlanner } from "../../../runtimes/runtime.ts";
import { instanceLimits } from "../resources/instance-limits.ts";
import { INSIDE, insideFiles, startScript } from "../wall/profile.ts";
import type { Prepared, Sandboxes } from "../wall/sandboxes.ts";
import { type Launched, type Launcher, type LaunchOrder, planFor } from "./launcher.ts";

export interface WalledOptions {
  readonly planner: LaunchPlanner;
  readonly sandboxes: Sandboxes;
  readonly cache: CodeCache;
}

/** Starts programs in sandboxes that waited for them. */
export class WalledLauncher implements Launcher {
  readonly #planner: LaunchPlanner;
  readonly #sandboxes: Sandboxes;
  readonly #cache: CodeCache;

  constructor({ planner, sandboxes, cache }: WalledOptions) {
    this.#planner = planner;
    this.#sandboxes = sandboxes;
    this.#cache = cache;
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    const prepared = await this.#sandboxes.take(order.settings.permissions.net);
    return await this.#launchIn(prepared, order, () => this.#cache.provide(order.artifact, prepared));
  }

  /** Makes places for functions with these rules of `net` wait. */
  expect(net: readonly string[]): Promise<void> {
    return this.#sandboxes.expect(net);
  }

  /** Launches a program of ours whose compiled code becomes that of all: `keep` takes it over. */
  async launchOwn(order: LaunchOrder): Promise<{ launched: Launched; keep: () => Promise<void> }> {
    const prepared = await this.#sandboxes.take([]);
    const launched = await this.#launchIn(prepared, order, async () => UNKEPT);
    const keep = async () => {
      await this.#cache.keep(prepared);
      await this.#sandboxes.empty();
    };
    return { launched, keep };
  }

  async #launchIn(
    prepared: Prepared,
    order: LaunchOrder,
    provide: () => Promise<ProvidedCache>,
  ): Promise<Launched> {
    try {
      return await this.#begin(prepared, order, provide);
    } catch (error) {
      await this.#sandboxes.discard(prepared);
      throw error;
    }
  }

  async #begin(
    prepared: Prepared,
    order: LaunchOrder,
    provide: () => Promise<ProvidedCache>,
  ): Promise<Launched> {
    const { sandbox, folder } = prepared;
    const { artifact, socket, scratch, cache: cacheFolder } = INSIDE;
    placeFile(order.artifact, join(folder.code, basename(artifact)));
    const cache = await provide();
    const files = insideFiles(this.#planner.files);
    const plan = planFor(this.#planner, order, { files, artifact, socket, scratch, cache: cacheFolder });
    const script = join(folder.code, basename(INSIDE.start));
    writeFileSync(script, startScript(plan, instanceLimits(order.settings)), { mode: 0o444 });
    chmodSync(script, 0o444);
    let isExposed = false;
    return {
      folder,
      child: sandbox.child,
      pid: sandbox.pid,
      plan,
      resources: prepared.resources,
      begin: () => sandbox.begin(`${plan.input}\n`),
      expose: () => {
        if (isExposed) return;
        symlinkSync(sandbox.pinSocket(), folder.socket);
        isExposed = true;
        cache.listening();
      },
      close: async () => {
        await cache.close();
        // First the name that leads to the descriptor, whose number is another's afterwards.
        rmSync(folder.socket, { force: true });
        sandbox.close();
        // Until then its user is nobody else's.
        await sandbox.ended;
        await this.#sandboxes.release(prepared);
      },
    };
  }

  close(): Promise<void> {
    return this.#sandboxes.close();
  }
}

/** Readable for whoever the instance runs as. A link costs nothing; other file systems take a copy. */
function placeFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(code)) throw error;
    copyFileSync(from, to);
  }
  chmodSync(to, 0o444);
}
