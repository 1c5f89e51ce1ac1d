import { chmodSync, copyFileSync, linkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { denoRunArguments } from "../../../runtimes/deno/deno-flags.ts";
import { instanceLimits } from "../resources/instance-limits.ts";
import { INSIDE, startScript } from "../wall/profile.ts";
import type { Prepared, Sandboxes } from "../wall/sandboxes.ts";
import { type CodeCache, type ProvidedCache, UNKEPT } from "./code-cache.ts";
import { denoEnvironment, type Launched, type Launcher, type LaunchOrder } from "./launcher.ts";

export interface WalledOptions {
  readonly sandboxes: Sandboxes;
  readonly cache: CodeCache;
}

/** Starts Deno in a sandbox that waited for it. */
export class WalledLauncher implements Launcher {
  readonly #sandboxes: Sandboxes;
  readonly #cache: CodeCache;

  constructor({ sandboxes, cache }: WalledOptions) {
    this.#sandboxes = sandboxes;
    this.#cache = cache;
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    const prepared = await this.#sandboxes.take(order.settings.permissions.net);
    return await this.#launchIn(prepared, order, () => this.#cache.provide(order.bundle, prepared));
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
    const { settings, bundle, ownAddresses } = order;
    const { sandbox, folder } = prepared;
    const { socket, scratch } = INSIDE;
    placeFile(bundle, join(folder.code, "bundle.mjs"));
    const cache = await provide();
    const flags = denoRunArguments({
      settings,
      bundle: INSIDE.bundle,
      scratch,
      listen: { unix: socket },
      ownAddresses,
    });
    const start = { arguments: [...flags, INSIDE.runtime], limits: instanceLimits(settings) };
    const env = denoEnvironment(settings, { scratch, denoDir: INSIDE.denoDir });
    writeFileSync(join(folder.code, "start.sh"), startScript({ ...start, env }), { mode: 0o444 });
    chmodSync(join(folder.code, "start.sh"), 0o444);
    let isExposed = false;
    return {
      folder,
      child: sandbox.child,
      pid: sandbox.pid,
      inside: { bundle: INSIDE.bundle, socket, scratch },
      resources: prepared.resources,
      begin: (input) => sandbox.begin(input),
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
