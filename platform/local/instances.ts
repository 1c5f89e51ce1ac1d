import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { denoPath } from "../deno-binary.ts";
import type { Limits } from "../limits.ts";
import type { LogLine } from "../platform.ts";
import { Semaphore } from "../semaphore.ts";
import { BundleFiles } from "./bundle-files.ts";
import { makeDenoDir } from "./data-folder.ts";
import { InstanceFolders, removeFolder } from "./instance-folder.ts";
import { InstanceProcess } from "./instance-process.ts";
import type { Launched } from "./launch/launcher.ts";
import { Launching } from "./launch/launching.ts";
import { compileRuntime } from "./runtime-program.ts";
import type { Store, VersionRecord } from "./store.ts";
import type { Isolation, IsolationMode } from "./wall/isolation.ts";

export interface InstancesOptions {
  /** Its real path. */
  readonly dataFolder: string;
  readonly store: Store;
  readonly limits: Limits;
  readonly isolation: IsolationMode;
}

export interface StartOptions {
  readonly onLine: (line: LogLine) => void;
  /** Ends the wait for a place. */
  readonly signal: AbortSignal;
}

/** All instances of this machine, of whatever function, with the files that they need. */
export class Instances {
  readonly bundles: BundleFiles;
  /** How they are started; rejects when the isolation that is asked for cannot be had. */
  readonly #launching: Promise<Launching>;
  readonly #folders: InstanceFolders;
  readonly #startMs: number;
  readonly #all = new Set<InstanceProcess>();
  /** Starting is mostly work for the processor: more at a time would only make each slower. */
  readonly #starts = new Semaphore({ places: 2 * availableParallelism() + 2 });

  constructor({ dataFolder, store, limits, isolation }: InstancesOptions) {
    this.#startMs = limits.startMs;
    this.bundles = new BundleFiles(
      join(dataFolder, "functions"),
      async ({ name, version }) => (await store.read(name, version))?.bundle,
    );
    this.#folders = new InstanceFolders(dataFolder);
    this.#launching = Launching.open({
      program: { deno: denoPath(), runtime: compileRuntime(dataFolder), denoDir: makeDenoDir(dataFolder) },
      folders: this.#folders,
      isolation,
      limits,
    });
    // Whoever asks for it is told.
    this.#launching.catch(() => {});
  }

  /** @throws Error in words for the person who started Skiff, if the isolation that is asked for cannot be had */
  async isolation(): Promise<Isolation> {
    return (await this.#launching).isolation;
  }

  /** Compiles what all instances run, so that none has to. */
  async warm(): Promise<void> {
    await (await this.#launching).warm();
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
    await this.#launching.then(
      (launching) => launching.close(),
      () => {},
    );
    this.#folders.close();
  }

  async #spawn(record: VersionRecord, onLine: StartOptions["onLine"]): Promise<InstanceProcess> {
    const { name, version, settings } = record;
    const { launcher } = await this.#launching;
    const bundle = await this.bundles.hold(record);
    let launched: Launched | undefined;
    try {
      launched = await launcher.launch({ settings, bundle, ownAddresses: ownAddresses() });
      const instance = new InstanceProcess(launched, {
        name,
        version,
        settings,
        startMs: this.#startMs,
        onLine,
      });
      this.#all.add(instance);
      void instance.ended.then(async () => {
        this.#all.delete(instance);
        const left = await this.bundles.release(record);
        if (left) onLine({ at: new Date(), instance: instance.id, stream: "platform", text: left });
      });
      return instance;
    } catch (error) {
      // The system has no process, no file or no space left: nothing of the attempt stays.
      launched?.close();
      if (launched) await removeFolder(launched.folder);
      await this.bundles.release(record);
      throw error;
    }
  }
}

/** Addresses of this machine's interfaces; the loopback ones are private anyway. */
function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return interfaces.filter(({ internal }) => !internal).map(({ address }) => address);
}
