import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { denoPath } from "../deno-binary.ts";
import type { Limits } from "../limits.ts";
import type { LogLine } from "../platform.ts";
import { Problem } from "../problems.ts";
import { formatMs } from "../quantity.ts";
import { Semaphore } from "../semaphore.ts";
import { ExpectedMemory } from "./budget/expected-memory.ts";
import { type EvictableInstance, MemoryBudget } from "./budget/memory-budget.ts";
import { BundleFiles } from "./bundle-files.ts";
import { makeDenoDir } from "./data-folder.ts";
import { type InstanceFolder, InstanceFolders, removeFolder } from "./instance-folder.ts";
import { InstanceProcess, type Runtime } from "./instance-process.ts";
import type { InstanceResources } from "./resources/instance-resources.ts";
import { Resources } from "./resources/resources.ts";
import { compileRuntime } from "./runtime-program.ts";
import { startWork } from "./start-work.ts";
import type { Store, VersionRecord } from "./store.ts";

/** Instances that start at a time, those included that wait for something else than the processor. */
const MOST_STARTING = 256;

export interface InstancesOptions {
  /** Its real path. */
  readonly dataFolder: string;
  readonly store: Store;
  readonly limits: Pick<Limits, "startMs" | "memoryBytes" | "instanceWaitMs">;
  /** Instances that may be stopped to make room. */
  readonly idle: () => Iterable<EvictableInstance>;
  /** False measures memory only, as where the system has no control groups for Skiff. */
  readonly useGroups?: boolean | undefined;
}

export interface StartOptions {
  readonly onLine: (line: LogLine) => void;
  /** Ends the wait for a place. */
  readonly signal: AbortSignal;
  /** False: there is another one that takes calls, so that this one is refused where memory is used up. */
  readonly waits: boolean;
}

/** All instances of this machine, of whatever function, with the files that they need. */
export class Instances {
  readonly bundles: BundleFiles;
  readonly #folders: InstanceFolders;
  readonly #runtime: Runtime;
  readonly #resources: Resources;
  readonly #budget: MemoryBudget;
  readonly #expected = new ExpectedMemory<VersionRecord>();
  readonly #all = new Set<InstanceProcess>();
  /** Starting is mostly work for the processor: more at a time would only make each slower. */
  readonly #working = new Semaphore({ places: 2 * availableParallelism() + 2 });
  readonly #starting = new Semaphore({ places: MOST_STARTING });
  readonly #waitMs: number;

  constructor({ dataFolder, store, limits, idle, useGroups }: InstancesOptions) {
    this.#waitMs = limits.instanceWaitMs;
    this.#resources = new Resources(dataFolder, { useGroups });
    this.#budget = new MemoryBudget({
      budgetMiB: limits.memoryBytes / 1024 ** 2,
      waitMs: limits.instanceWaitMs,
      instances: () => this.#all,
      idle,
    });
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
      startMs: limits.startMs,
    };
  }

  /** Every process there is, also the starting and the draining ones. */
  get all(): Iterable<InstanceProcess> {
    return this.#all;
  }

  /** Keeps all instances within the memory that they have together; called a few times a second. */
  tick(): void {
    this.#budget.check();
  }

  /**
   * Resolves when the process exists. It holds a place among the working ones only while it works on its start.
   * @throws Problem `no_capacity` when there is no memory or no place for it, the signal's reason
   */
  start(record: VersionRecord, { onLine, signal, waits }: StartOptions): Promise<InstanceProcess> {
    const neededMiB = this.#expected.of(record);
    const begin = () => this.#inPlace(() => this.#spawn(record, onLine), signal);
    return this.#budget.run({ neededMiB, waits, signal }, begin);
  }

  /** Removes what is left; every instance must be ending. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ ended }) => ended));
    this.#folders.close();
    this.#resources.close();
  }

  #inPlace(spawn: () => Promise<InstanceProcess>, outer: AbortSignal): Promise<InstanceProcess> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(tooManyStarts(this.#waitMs)), this.#waitMs);
    const signal = AbortSignal.any([outer, late.signal]);
    const { promise, resolve, reject } = Promise.withResolvers<InstanceProcess>();
    const work = async () => {
      const instance = await spawn();
      resolve(instance);
      await startWork(instance);
      return instance;
    };
    const start = async () => {
      const instance = await this.#working.run(work, signal);
      // A failed start is told by the instance.
      await instance.ready.catch(() => {});
    };
    this.#starting.run(start, signal).catch(reject);
    return promise.finally(() => clearTimeout(timer));
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
        expectedMiB: this.#expected.of(record),
        onLine,
      });
      this.#all.add(instance);
      void instance.ended.then(() => this.#ended(record, instance));
      return instance;
    } catch (error) {
      // The system has no process, no file or no space left: nothing of the attempt stays.
      if (folder) await removeFolder(folder);
      await resources?.release();
      this.bundles.release(record);
      throw error;
    }
  }

  #ended(record: VersionRecord, instance: InstanceProcess): void {
    this.#all.delete(instance);
    this.bundles.release(record);
    if (instance.readyAtMs !== undefined && instance.usedMiB !== undefined) {
      this.#expected.saw(record, instance.usedMiB);
    }
    this.#budget.check();
  }
}

function tooManyStarts(waitMs: number): Problem {
  return new Problem(
    "no_capacity",
    `Too many instances start at a time: this one had no place among them within ${formatMs(waitMs)} (limit SKIFF_INSTANCE_WAIT). Try again in 1 s.`,
    { retryAfterS: 1, setting: "SKIFF_INSTANCE_WAIT" },
  );
}

/** Addresses of this machine's interfaces; the loopback ones are private anyway. */
function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return interfaces.filter(({ internal }) => !internal).map(({ address }) => address);
}
