import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { Semaphore } from "../../../process/semaphore.ts";
import { denoPlanner } from "../../../runtimes/deno/deno-runtime.ts";
import type { Limits } from "../../limits.ts";
import type { LogLine, VersionRecord } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { formatMs } from "../../quantity.ts";
import { type EvictableInstance, ExpectedMemory, MemoryBudget } from "../budget/memory-budget.ts";
import type { Launched } from "../launch/launcher.ts";
import { Launching } from "../launch/launching.ts";
import type { Probed } from "../network/networks.ts";
import { Resources } from "../resources/resources.ts";
import { startWork } from "../scaling/start-work.ts";
import { BundleFiles } from "../store/bundle-files.ts";
import { makeDenoDir } from "../store/data-folder.ts";
import type { Store } from "../store/store.ts";
import type { Isolation, IsolationMode } from "../wall/isolation.ts";
import type { WallKind } from "../wall/profile.ts";
import { InstanceFolders } from "./instance-folder.ts";
import { InstanceProcess } from "./instance-process.ts";
import { refusalOf } from "./launch-error.ts";
import type { RunningInstance } from "./running-instance.ts";

/** Instances that start at a time, including those that do not wait for the processor. */
const MOST_STARTING = 256;

export interface InstancesOptions {
  /** A real path. */
  readonly dataFolder: string;
  readonly store: Store;
  readonly limits: Limits;
  readonly isolation: IsolationMode;
  /** Walls to try; all of WALL_KINDS by default. */
  readonly walls?: readonly WallKind[] | undefined;
  /** Instances that may be stopped to make room. */
  readonly idle: () => Iterable<EvictableInstance>;
  /** Opens walls around networks; absent: functions use the machine's. */
  readonly probeNetworks?: (() => Promise<Probed>) | undefined;
  /** False measures memory only, as where the system has no control groups for Skiff. */
  readonly useGroups?: boolean | undefined;
}

export interface StartOptions {
  readonly onLine: (line: LogLine) => void;
  /** Ends the wait for a place. */
  readonly signal: AbortSignal;
  /** False: another instance takes calls, so this one is refused when memory is used up. */
  readonly waits: boolean;
}

/** All instances of this machine, with the files that they need. */
export class Instances {
  readonly bundles: BundleFiles;
  /** Rejects if the requested isolation does not work here. */
  readonly #launching: Promise<Launching>;
  readonly #folders: InstanceFolders;
  readonly #startMs: number;
  readonly #budget: MemoryBudget;
  readonly #expected = new ExpectedMemory<VersionRecord>();
  readonly #all = new Set<RunningInstance>();
  /** A start is mostly work for the processor: more at a time would make each slower. */
  readonly #working = new Semaphore({ places: 2 * availableParallelism() + 2 });
  readonly #starting = new Semaphore({ places: MOST_STARTING });
  readonly #waitMs: number;

  constructor(options: InstancesOptions) {
    const { dataFolder, store, limits, isolation, idle, useGroups, probeNetworks } = options;
    this.#startMs = limits.startMs;
    this.#waitMs = limits.instanceWaitMs;
    this.#budget = new MemoryBudget({
      budgetMiB: limits.memoryBytes / 1024 ** 2,
      waitMs: limits.instanceWaitMs,
      instances: () => this.#all,
      idle,
    });
    this.bundles = new BundleFiles(join(dataFolder, "functions"), ({ name, version }) =>
      store.bundle(name, version),
    );
    this.#folders = new InstanceFolders(dataFolder);
    this.#launching = Launching.open({
      planner: denoPlanner(dataFolder),
      cacheFolder: makeDenoDir(dataFolder),
      folders: this.#folders,
      resources: new Resources(dataFolder, { useGroups }),
      isolation,
      walls: options.walls,
      limits,
      ...(probeNetworks && { probeNetworks }),
    });
    // The first method that needs it reports the error.
    this.#launching.catch(() => {});
  }

  /** @throws Error in words for the person who started Skiff, if the requested isolation does not work here */
  async isolation(): Promise<Isolation> {
    return (await this.#launching).isolation;
  }

  /** Describes what limits the connections of functions, for people. */
  async describeNetwork(): Promise<string> {
    return (await this.#launching).describeNetwork();
  }

  /** Compiles what all instances run, so that none needs to. */
  async warm(): Promise<void> {
    await (await this.#launching).warm();
  }

  /** Every process there is, also the starting and the draining ones. */
  get all(): Iterable<RunningInstance> {
    return this.#all;
  }

  /** Keeps all instances within the memory that they have together; called a few times a second. */
  tick(): void {
    this.#budget.check();
  }

  /**
   * Starts an instance; resolves when its process exists. It keeps a place among the working ones only while it works.
   * @throws Problem `no_capacity` without memory, a place or a network for it, or if the machine starts none; the signal's
   *   reason
   */
  start(record: VersionRecord, { onLine, signal, waits }: StartOptions): Promise<RunningInstance> {
    const neededMiB = this.#expected.of(record);
    const begin = () => this.#inPlace(() => this.#spawn(record, onLine), signal);
    return this.#budget.run({ neededMiB, waits, signal }, begin);
  }

  /** Releases everything; every instance must be ending. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ ended }) => ended));
    await this.#launching.then(
      (launching) => launching.close(),
      () => {},
    );
    this.#folders.close();
  }

  #inPlace(spawn: () => Promise<RunningInstance>, outer: AbortSignal): Promise<RunningInstance> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(tooManyStarts(this.#waitMs)), this.#waitMs);
    const signal = AbortSignal.any([outer, late.signal]);
    const { promise, resolve, reject } = Promise.withResolvers<RunningInstance>();
    const work = async () => {
      const instance = await spawn();
      resolve(instance);
      await startWork(instance);
      return instance;
    };
    const start = async () => {
      const instance = await this.#working.run(work, signal);
      // The instance reports a failed start.
      await instance.ready.catch(() => {});
    };
    this.#starting.run(start, signal).catch(reject);
    return promise.finally(() => clearTimeout(timer));
  }

  async #spawn(record: VersionRecord, onLine: StartOptions["onLine"]): Promise<RunningInstance> {
    const { name, version, settings } = record;
    const { launcher } = await this.#launching;
    const artifact = await this.bundles.hold(record);
    let launched: Launched | undefined;
    try {
      launched = await launcher.launch({
        ...{ name, version, settings },
        ownAddresses: ownAddresses(),
        artifact,
      });
      const instance = new InstanceProcess(launched, {
        version,
        settings,
        startMs: this.#startMs,
        expectedMiB: this.#expected.of(record),
        onLine,
      });
      this.#all.add(instance);
      void instance.ended.then(() => this.#ended(record, instance, onLine));
      return instance;
    } catch (error) {
      // The system has no process, no file or no space left: nothing of the attempt stays.
      await launched?.close();
      await this.bundles.release(record);
      throw this.#refusal(error, onLine);
    }
  }

  /** Logs the cause, and returns what callers get. */
  #refusal(error: unknown, onLine: StartOptions["onLine"]): unknown {
    const refusal = refusalOf(error);
    if (refusal !== error) {
      const text = `an instance could not be started: ${(error as Error).message}`;
      onLine({ at: new Date(), instance: "", stream: "platform", text });
    }
    return refusal;
  }

  async #ended(
    record: VersionRecord,
    instance: RunningInstance,
    onLine: StartOptions["onLine"],
  ): Promise<void> {
    this.#all.delete(instance);
    const left = await this.bundles.release(record);
    if (left) onLine({ at: new Date(), instance: instance.id, stream: "platform", text: left });
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

/** Addresses of this machine's interfaces, without loopback, which is private anyway. */
function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return interfaces.filter(({ internal }) => !internal).map(({ address }) => address);
}
