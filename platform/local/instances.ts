import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { denoPath } from "../deno-binary.ts";
import type { LogLine } from "../platform.ts";
import { Semaphore } from "../semaphore.ts";
import { BundleFiles } from "./bundle-files.ts";
import { makeDenoDir } from "./data-folder.ts";
import { type InstanceFolder, InstanceFolders, removeFolder } from "./instance-folder.ts";
import { InstanceProcess, type Runtime } from "./instance-process.ts";
import type { InstanceResources } from "./resources/instance-resources.ts";
import { Resources } from "./resources/resources.ts";
import { compileRuntime } from "./runtime-program.ts";
import type { Store, VersionRecord } from "./store.ts";

export interface InstancesOptions {
  /** Its real path. */
  readonly dataFolder: string;
  readonly store: Store;
  readonly startMs: number;
  /** False measures memory only, as where the system has no control groups for Skiff. */
  readonly useGroups?: boolean | undefined;
}

export interface StartOptions {
  readonly onLine: (line: LogLine) => void;
  /** Ends the wait for a place. */
  readonly signal: AbortSignal;
}

/** All instances of this machine, of whatever function, with the files that they need. */
export class Instances {
  readonly bundles: BundleFiles;
  readonly #folders: InstanceFolders;
  readonly #runtime: Runtime;
  readonly #resources: Resources;
  readonly #all = new Set<InstanceProcess>();
  /** Starting is mostly work for the processor: more at a time would only make each slower. */
  readonly #starts = new Semaphore({ places: 2 * availableParallelism() + 2 });

  constructor({ dataFolder, store, startMs, useGroups }: InstancesOptions) {
    this.#resources = new Resources(dataFolder, { useGroups });
    this.bundles = new BundleFiles(
      join(dataFolder, "functions"),
      ({ name, version }) => store.read(name, version)?.bundle,
    );
    this.#folders = new InstanceFolders(dataFolder);
    this.#runtime = {
      deno: denoPath(),
      program: compileRuntime(dataFolder),
      denoDir: makeDenoDir(dataFolder),
      ownAddresses,
      startMs,
    };
  }

  /** Every process there is, also the starting and the draining ones. */
  get all(): Iterable<InstanceProcess> {
    return this.#all;
  }

  /** Resolves when the process exists; its place among the starting ones is free when it is ready. */
  start(record: VersionRecord, { onLine, signal }: StartOptions): Promise<InstanceProcess> {
    return new Promise((resolve, reject) => {
      const work = async () => {
        const instance = await this.#spawn(record, onLine);
        resolve(instance);
        // A failed start is told by the instance.
        await instance.ready.catch(() => {});
      };
      this.#starts.run(work, signal).catch(reject);
    });
  }

  /** Removes what is left; every instance must be ending. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ ended }) => ended));
    this.#folders.close();
  }

  async #spawn(record: VersionRecord, onLine: StartOptions["onLine"]): Promise<InstanceProcess> {
    const { name, version, settings } = record;
    const bundle = this.bundles.hold(record);
    let folder: InstanceFolder | undefined;
    let resources: InstanceResources | undefined;
    try {
      folder = this.#folders.create();
      resources = this.#resources.open(folder.id);
      const instance = new InstanceProcess(this.#runtime, {
        name,
        version,
        settings,
        bundle,
        folder,
        resources,
        onLine,
      });
      this.#all.add(instance);
      void instance.ended.then(() => {
        this.#all.delete(instance);
        this.bundles.release(record);
      });
      return instance;
    } catch (error) {
      // The system has no process, no file or no space left: nothing of the attempt stays.
      if (folder) await removeFolder(folder);
      await resources?.release();
      this.bundles.release(record);
      throw error;
    }
  }
}

/** Addresses of this machine's interfaces; the loopback ones are private anyway. */
function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return interfaces.filter(({ internal }) => !internal).map(({ address }) => address);
}
