import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { Semaphore } from "../../../process/semaphore.ts";
import { denoPlanner } from "../../../runtimes/deno/deno-runtime.ts";
import { compileHost } from "../../../runtimes/program/compile-host.ts";
import { programPlanner } from "../../../runtimes/program/program-runtime.ts";
import type { LogLine, VersionRecord } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { formatMs } from "../../quantity.ts";
import type { Secrets } from "../../secrets.ts";
import type { Settings } from "../../settings/settings.ts";
import { type EvictableInstance, ExpectedMemory, MemoryBudget } from "../budget/memory-budget.ts";
import { EngineLauncher } from "../engine/engine-launcher.ts";
import type { EngineFinder } from "../engine/find-engine.ts";
import type { EngineImages } from "../engine/images.ts";
import type { Launched } from "../launch/launcher.ts";
import { Launching, type LaunchingOptions } from "../launch/launching.ts";
import { ProjectFiles } from "../projects/project-files.ts";
import { Resources } from "../resources/resources.ts";
import { startWork } from "../scaling/start-work.ts";
import { BundleFiles, type VersionName } from "../store/bundle-files.ts";
import { makeDenoDir } from "../store/data-folder.ts";
import type { Store } from "../store/store.ts";
import { InstanceFolders } from "./instance-folder.ts";
import { InstanceProcess } from "./instance-process.ts";
import { refusalOf } from "./launch-error.ts";
import type { RunningInstance } from "./running-instance.ts";

/** Instances that start at a time, including those that wait for something other than the processor. */
const MOST_STARTING = 256;

export interface InstancesOptions
  extends Pick<LaunchingOptions, "limits" | "isolation" | "walls" | "probeNetworks"> {
  /** A real path. */
  readonly dataFolder: string;
  readonly store: Store;
  readonly secrets: Pick<Secrets, "resolve">;
  /** Instances that may be stopped for their memory. */
  readonly idle: () => Iterable<EvictableInstance>;
  /** False: measure memory without control groups. */
  readonly useGroups?: boolean | undefined;
  /** What runs images; absent: nothing does. */
  readonly engine?: { readonly engines: EngineFinder; readonly images: EngineImages } | undefined;
}

export interface StartOptions {
  readonly onLine: (line: LogLine) => void;
  /** Ends the wait for memory and a place. */
  readonly signal: AbortSignal;
  /** True: wait for memory. False: be refused when memory is used up. */
  readonly waits: boolean;
  /** The instance is for a pool: without memory to spare it is refused. */
  readonly isSpare?: boolean;
}

/** All instances of this machine, with the files that they need. */
export class Instances {
  readonly bundles: BundleFiles;
  /** Rejects, with advice for the operator, if the requested isolation does not work here. */
  readonly launching: Promise<Launching>;
  readonly #projects = new ProjectFiles();
  readonly #folders: InstanceFolders;
  readonly #limits: InstancesOptions["limits"];
  readonly #secrets: InstancesOptions["secrets"];
  readonly #budget: MemoryBudget;
  readonly #expected = new ExpectedMemory<Pick<VersionRecord, "settings">>();
  readonly #all = new Set<RunningInstance>();
  /** A start is mostly work for the processor: more starts at a time would make each slower. */
  readonly #working = new Semaphore({ places: 2 * availableParallelism() + 2 });
  readonly #starting = new Semaphore({ places: MOST_STARTING });
  /** Launches images; absent where nothing runs them. */
  readonly #engine: EngineLauncher | undefined;
  /** Starts under way and waiting. */
  #starts = 0;

  constructor(options: InstancesOptions) {
    const { dataFolder, store, limits, isolation, walls, idle, useGroups, probeNetworks } = options;
    this.#limits = limits;
    this.#secrets = options.secrets;
    this.#budget = new MemoryBudget({
      budgetMiB: limits.memoryBytes / 1024 ** 2,
      waitMs: limits.instanceWaitMs,
      instances: () => this.#all,
      idle,
    });
    const read = ({ name, version }: VersionName) => store.bundle(name, version);
    this.bundles = new BundleFiles({ root: join(dataFolder, "functions"), read, projects: this.#projects });
    this.#folders = new InstanceFolders(dataFolder);
    const cacheFolder = makeDenoDir(dataFolder);
    this.launching = openLaunching(dataFolder, useGroups, {
      ...{ cacheFolder, isolation, walls, limits, probeNetworks },
      ...{ folders: this.#folders, projects: this.#projects },
      isStarting: () => this.#starts > 0,
    });
    // Its first user gets the error.
    this.launching.catch(() => {});
    this.#engine =
      options.engine &&
      new EngineLauncher({
        ...options.engine,
        ...{ folders: this.#folders, limits, compileHost },
        root: join(dataFolder, "engine"),
        openNetwork: async (rules) => (await this.launching).openForPrograms(rules, true),
      });
  }

  /** All instances with a process, including starting and draining ones. */
  get all(): Iterable<RunningInstance> {
    return this.#all;
  }

  /** Memory of all instances together, and the most that it may be. */
  get memory(): { readonly usedMiB: number; readonly limitMiB: number } {
    return { usedMiB: this.#budget.usedMiB, limitMiB: this.#limits.memoryBytes / 1024 ** 2 };
  }

  /** Memory of each instance by its id, as measured last, in MiB. */
  get memoryById(): ReadonlyMap<string, number> {
    return new Map([...this.#all].map(({ id, usedMiB = 0 }) => [id, usedMiB]));
  }

  /** Keeps all instances within the memory budget; called a few times a second. */
  tick(): void {
    this.#budget.check();
  }

  /**
   * Starts an instance; resolves when its process exists. It has a place among the working ones while it works.
   * @throws Problem `no_capacity` without memory, a place or a network, or if the machine cannot launch it; the signal's
   *   reason
   */
  start(record: VersionRecord, { onLine, ...how }: StartOptions): Promise<RunningInstance> {
    const neededMiB = this.#expected.of(record);
    const begin = () => this.#inPlace(() => this.#spawn(record, onLine), how.signal);
    return this.#budget.run({ neededMiB, ...how }, begin);
  }

  /**
   * Starts the program for a module with these settings before the module was built, if there is memory for it and
   * nothing else starts: during many deploys it would only delay other starts.
   */
  async startEarly(settings: Settings): Promise<void> {
    if (this.#starts > 0 || !this.#budget.hasRoom(this.#expected.of({ settings }))) return;
    const { launcher } = await this.launching;
    launcher.startEarly({ settings, ownAddresses: ownAddresses() });
  }

  /** Removes containers that nothing uses any more. Returns how many. */
  async sweep(): Promise<number> {
    return (await this.#engine?.sweep()) ?? 0;
  }

  /** Releases everything; every instance must be ending. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ ended }) => ended));
    const launching = await this.launching.catch(() => undefined);
    await this.#engine?.close();
    await launching?.close();
    await this.#projects.close();
    this.#folders.close();
  }

  #inPlace(spawn: () => Promise<RunningInstance>, outer: AbortSignal): Promise<RunningInstance> {
    const late = new AbortController();
    const { instanceWaitMs } = this.#limits;
    const timer = setTimeout(() => late.abort(tooManyStarts(instanceWaitMs)), instanceWaitMs);
    const signal = AbortSignal.any([outer, late.signal]);
    const { promise, resolve, reject } = Promise.withResolvers<RunningInstance>();
    this.#starts++;
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
    const done = this.#starting.run(start, signal).catch(reject);
    void done.finally(() => this.#starts--);
    return promise.finally(() => clearTimeout(timer));
  }

  async #spawn(record: VersionRecord, onLine: StartOptions["onLine"]): Promise<RunningInstance> {
    const { name, version, settings } = record;
    const { launcher } = await this.launching;
    const artifact = await this.bundles.hold(record);
    const isImage = artifact.project?.image !== undefined;
    let launched: Launched | undefined;
    try {
      const secrets = await this.#secrets.resolve(settings.secrets);
      const order = { name, version, settings, secrets, ownAddresses: ownAddresses(), artifact };
      launched = await (isImage ? this.#imageLauncher() : launcher).launch(order);
      const { startMs } = this.#limits;
      const expectedMiB = this.#expected.of(record);
      const instance = new InstanceProcess(launched, { version, settings, startMs, expectedMiB, onLine });
      this.#all.add(instance);
      void instance.ended.then(() => this.#ended(record, instance, onLine));
      return instance;
    } catch (error) {
      // A shortage of processes, open files or disk space: leave nothing behind.
      await launched?.close();
      await this.bundles.release(record);
      const refusal = refusalOf(error);
      if (refusal !== error) {
        // Callers do not get the cause, so it is logged.
        const text = `an instance could not be started: ${(error as Error).message}`;
        onLine({ at: new Date(), instance: "", version, stream: "platform", text });
      }
      throw refusal;
    }
  }

  #imageLauncher(): EngineLauncher {
    if (this.#engine) return this.#engine;
    throw new Problem(
      "no_engine",
      "No image can run here: this Skiff was started without a container engine.",
    );
  }

  async #ended(record: VersionRecord, instance: RunningInstance, onLine: StartOptions["onLine"]) {
    this.#all.delete(instance);
    const left = await this.bundles.release(record);
    if (left)
      onLine({
        at: new Date(),
        instance: instance.id,
        version: record.version,
        stream: "platform",
        text: left,
      });
    if (instance.readyAtMs !== undefined && instance.usedMiB !== undefined) {
      this.#expected.saw(record, instance.usedMiB);
    }
    this.#budget.check();
  }
}

async function openLaunching(
  dataFolder: string,
  useGroups: boolean | undefined,
  options: Omit<LaunchingOptions, "dataFolder" | "planner" | "programPlanner" | "resources">,
): Promise<Launching> {
  const planning = denoPlanner(dataFolder);
  // The groups are opened below while that compiles.
  planning.catch(() => {});
  const resources = new Resources(dataFolder, { useGroups });
  const planner = await planning;
  const ofPrograms = async () => programPlanner(await compileHost(dataFolder));
  return await Launching.open({ ...options, dataFolder, resources, planner, programPlanner: ofPrograms });
}

function tooManyStarts(waitMs: number): Problem {
  const detail = `Too many instances start at a time: this one got no place among them within ${formatMs(waitMs)} (limit SKIFF_INSTANCE_WAIT). Try again in 1 s.`;
  return new Problem("no_capacity", detail, { retryAfterS: 1, setting: "SKIFF_INSTANCE_WAIT" });
}

/** Addresses of this machine's interfaces. Loopback is private by itself. */
function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return interfaces.filter(({ internal }) => !internal).map(({ address }) => address);
}
