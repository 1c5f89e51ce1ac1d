import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isDiskFull } from "../disk-full.ts";
import { EndpointsTable } from "../endpoints-table.ts";
import type { Limits } from "../limits.ts";
import type {
  Content,
  Draft,
  Endpoints,
  EndpointsListener,
  FunctionDescription,
  FunctionSummary,
  Load,
  LogLine,
  LogOptions,
  Platform,
  Source,
  Stored,
  VersionRecord as StoredRecord,
  Traffic,
  WakeStep,
} from "../platform.ts";
import { Problem } from "../problems.ts";
import type { Settings } from "../settings.ts";
import { shortageOf } from "../shortage.ts";
import { currentVersion } from "../traffic.ts";
import { sourceHash } from "../version-hash.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import { FunctionRunner } from "./function-runner.ts";
import { InstanceWatch, WATCH_TIMES, type WatchTimes } from "./instances/instance-watch.ts";
import { Instances } from "./instances/instances.ts";
import { removeTreeSync } from "./instances/remove-tree.ts";
import { StartError } from "./instances/running-instance.ts";
import { Networks } from "./network/networks.ts";
import { makeDataFolder } from "./store/data-folder.ts";
import { type FunctionRecord, Store, type VersionRecord } from "./store/store.ts";
import type { Isolation, IsolationMode } from "./wall/isolation.ts";
import type { WallKind } from "./wall/profile.ts";

/** How long a removal waits for the instances; calls that take longer finish after it. */
const REMOVE_WAIT_MS = 1_000;

export interface LocalPlatformOptions {
  /** Everything that must outlive a restart is in this folder; it is made if it does not exist. */
  readonly dataFolder: string;
  readonly limits: Limits;
  /** Paths in that folder that others use and that a crash leaves behind: removed when it is opened. */
  readonly leftovers?: readonly string[];
  /** Called with every line that a function prints, and with what the platform has to say about it. */
  readonly onLine?: (name: string, line: LogLine) => void;
  /** Resolves when every router goes by the newest endpoints; what was published or removed is done then. */
  readonly spread?: () => Promise<void>;
  /** What holds functions in; `auto` by default. */
  readonly isolation?: IsolationMode;
  /** Walls to try, the strongest first; all that there are by default. With none `auto` finds no wall. */
  readonly walls?: readonly WallKind[];
  /** Puts a wall of the kernel's around the connections of functions as well, where it can be had. */
  readonly walledNetwork?: boolean;
  /** How often instances are looked after; WATCH_TIMES by default. */
  readonly watchTimes?: Partial<WatchTimes>;
  /** False measures memory only, as where the system has no control groups for Skiff. */
  readonly useGroups?: boolean;
}

/** What a platform consists of that takes time to open. */
interface Opened {
  readonly store: Store;
  readonly instances: Instances;
  readonly functions: readonly FunctionRecord[];
}

/** One function as this platform has it. */
interface Entry {
  readonly runner: FunctionRunner;
  readonly createdAt: Date;
}

/** Functions as Deno processes of this machine, started when they are called; state in one folder. */
export class LocalPlatform implements Platform {
  readonly abilities = { scalesOut: true, scalesToZero: true, runsCode: true, durable: true };
  readonly #limits: Limits;
  readonly #onLine: (name: string, line: LogLine) => void;
  readonly #spread: () => Promise<void>;
  readonly #store: Store;
  readonly #instances: Instances;
  readonly #watch: InstanceWatch;
  readonly #endpoints = new EndpointsTable();
  readonly #entries = new Map<string, Entry>();
  /** Also those of functions that are being created, and of removed ones whose last calls are under way. */
  readonly #runners = new Set<FunctionRunner>();
  readonly #removed = new Set<FunctionRunner>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  /** The last change of each function that is under way: changes of one function happen in order. */
  readonly #changes = new Map<string, Promise<unknown>>();

  private constructor(options: LocalPlatformOptions, { store, instances, functions }: Opened) {
    const { limits, onLine = () => {}, spread = () => Promise.resolve(), watchTimes } = options;
    this.#limits = limits;
    this.#onLine = onLine;
    this.#spread = spread;
    this.#store = store;
    this.#instances = instances;
    for (const { createdAt, current } of functions) {
      const entry = this.#addEntry(current.name, createdAt);
      entry.runner.adopt({ ...current, settings: bounded(current.settings, limits) });
    }
    const watched = { instances: () => this.#instances.all, tick: (nowMs: number) => this.#tick(nowMs) };
    this.#watch = new InstanceWatch(watched, { ...WATCH_TIMES, ...watchTimes });
  }

  /** @throws Error in words for the person who started it, when the data folder cannot be used */
  static async open(options: LocalPlatformOptions): Promise<LocalPlatform> {
    const { leftovers = [], limits, isolation = "auto", onLine = () => {} } = options;
    const dataFolder = makeDataFolder(options.dataFolder);
    const probeNetworks = () =>
      Networks.probe({
        folder: join(dataFolder, "networks"),
        onLine: (text) => onLine("skiff", { at: new Date(), instance: "", stream: "platform", text }),
      });
    const store = await Store.open(join(dataFolder, "skiff.db"));
    let instances: Instances | undefined;
    try {
      // The folder is locked. What a crash left behind may fill the disk: it goes before anything is written.
      for (const path of leftovers) removeTreeSync(join(dataFolder, path));
      let platform: LocalPlatform | undefined;
      instances = new Instances({
        dataFolder,
        store,
        limits,
        isolation,
        walls: options.walls,
        idle: () => (platform === undefined ? [] : platform.#idle()),
        useGroups: options.useGroups,
        probeNetworks: options.walledNetwork ? probeNetworks : undefined,
      });
      await store.prepare();
      platform = new LocalPlatform(options, { store, instances, functions: await store.functions() });
      return platform;
    } catch (error) {
      await instances?.close();
      await store.close();
      throw error;
    }
  }

  /**
   * What holds functions in.
   * @throws Error in words for the person who started Skiff, if what is asked for cannot be had
   */
  isolation(): Promise<Isolation> {
    return this.#instances.isolation();
  }

  /** What holds the connections of functions in, for people. */
  describeNetwork(): Promise<string> {
    return this.#instances.describeNetwork();
  }

  /** Makes first starts as fast as later ones. */
  warm(): Promise<void> {
    return this.#instances.warm();
  }

  store(draft: Draft, signal?: AbortSignal): Promise<Stored> {
    return this.#inOrder(draft.name, () => this.#publish(draft, signal));
  }

  async route(name: string, traffic: Traffic): Promise<void> {
    const version = currentVersion(traffic);
    if (this.#entries.get(name)?.runner.current?.version === version) return;
    throw new Problem("unknown_version", `"${name}" has no version ${version} that takes calls.`);
  }

  async #publish(draft: Draft, outer?: AbortSignal): Promise<Stored> {
    const signal = outer ? AbortSignal.any([outer, this.#closing.signal]) : this.#closing.signal;
    signal.throwIfAborted();
    const { name, hash, settings } = draft;
    const { bundles } = this.#instances;
    const current = this.#entries.get(name)?.runner.current;
    const content = await this.#contentOf(draft);
    const next: VersionRecord = {
      name,
      hash,
      settings,
      version: (current?.version ?? 0) + 1,
      createdAt: new Date(),
    };
    const entry = this.#entries.get(name) ?? this.#newEntry(name, next.createdAt);
    const commit = async () => {
      this.#left(name, await this.#store.publish({ ...next, ...content }, this.#limits.versionsKept));
    };
    try {
      await bundles.write(next, content.bundle);
      await entry.runner.replace(next, { commit, signal });
    } catch (error) {
      if (!current) this.#runners.delete(entry.runner);
      this.#left(name, await bundles.retire(next));
      throw error instanceof StartError && !isOfTheMachine(error) ? startFailed(error) : error;
    }
    this.#entries.set(name, entry);
    if (current) this.#left(name, await bundles.retire(current));
    await this.#spread();
    return { name, version: next.version, created: current === undefined };
  }

  async #contentOf({ name, content }: Draft): Promise<Content> {
    if (!("sameAs" in content)) return content;
    const version = await this.#store.read(name, content.sameAs);
    if (version) return version;
    throw new Problem("unknown_version", `"${name}" has no version ${content.sameAs}.`);
  }

  remove(name: string): Promise<boolean> {
    return this.#inOrder(name, async () => {
      const entry = this.#entries.get(name);
      if (!entry) return false;
      this.#left(name, await this.#store.remove(name));
      this.#entries.delete(name);
      this.#endpoints.delete(name);
      const { runner } = entry;
      this.#removed.add(runner);
      const ended = runner
        .close(new Problem("unknown_function", `The function "${name}" was removed.`))
        .finally(() => {
          this.#runners.delete(runner);
          this.#removed.delete(runner);
        });
      if (runner.current) this.#left(name, await this.#instances.bundles.retire(runner.current));
      await Promise.race([ended, setTimeout(REMOVE_WAIT_MS, undefined, { ref: false })]);
      await this.#spread();
      runner.log.close();
      return true;
    });
  }

  async list({
    after = "",
    limit,
  }: {
    after?: string | undefined;
    limit: number;
  }): Promise<FunctionSummary[]> {
    const names = [...this.#entries.keys()].filter((name) => name > after).sort();
    return names.slice(0, limit).flatMap((name) => this.#summary(name) ?? []);
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    const versions = await this.#store.versions(name);
    const summary = this.#summary(name);
    const runner = this.#entries.get(name)?.runner;
    if (!summary || !runner?.current) return undefined;
    const notReady = runner.notReady(performance.now());
    return {
      ...summary,
      settings: runner.current.settings,
      traffic: this.#endpoints.get(name)?.traffic ?? [],
      versions: versions.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
      instances: runner.describeInstances(),
      lastErrors: runner.lastErrors,
      isolation: { files: (await this.isolation()).description, network: await this.describeNetwork() },
      ...(notReady === undefined ? {} : { notReady }),
    };
  }

  async find(name: string, version?: number): Promise<StoredRecord | undefined> {
    const found = await this.#read(name, version);
    if (found === undefined) return undefined;
    const { source, bundle: _, ...record } = found;
    return { ...record, sourceHash: await sourceHash(source) };
  }

  async readSource(name: string, version?: number): Promise<Source | undefined> {
    return (await this.#read(name, version))?.source;
  }

  async #read(name: string, version?: number) {
    const number = version ?? this.#entries.get(name)?.runner.current?.version;
    return number === undefined ? undefined : this.#store.read(name, number);
  }

  endpoints(name: string) {
    return this.#endpoints.get(name);
  }

  allEndpoints() {
    return this.#endpoints.all();
  }

  watch(listener: EndpointsListener): () => void {
    return this.#endpoints.watch(listener);
  }

  async wake(name: string): Promise<readonly WakeStep[]> {
    this.#closing.signal.throwIfAborted();
    const entry = this.#entries.get(name);
    if (!entry) throw new Problem("unknown_function", `There is no function "${name}".`);
    if (entry.runner.readyCount > 0) return [];
    const askedAtMs = performance.now();
    await entry.runner.wake();
    return [{ name: "start", atMs: performance.now() - askedAtMs }];
  }

  report(load: Load): void {
    this.#entries.get(load.name)?.runner.report(load);
    // A removed function's instances finish the calls that routers still know.
    for (const runner of this.#removed) if (runner.name === load.name) runner.report(load);
  }

  async *logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    const entry = this.#entries.get(name);
    if (!entry) throw new Problem("unknown_function", `There is no function "${name}".`);
    yield* entry.runner.log.read(options);
  }

  close({ drainMs = this.#limits.drainMs }: { drainMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    const why = new Problem("draining", "Skiff is shutting down; try again when it is up.", {
      retryAfterS: 1,
    });
    this.#closing.abort(why);
    for (const name of this.#entries.keys()) {
      const endpoints = this.#endpoints.get(name);
      if (endpoints) this.#endpoints.set(withoutInstances(endpoints));
    }
    await Promise.all([...this.#runners].map((runner) => runner.close(why, drainMs)));
    await Promise.allSettled(this.#changes.values());
    this.#watch.close();
    await this.#instances.close();
    await this.#store.close();
  }

  /** Logs what could not be removed with a version or a function. */
  #left(name: string, text: string | undefined): void {
    if (text) this.#onLine(name, { at: new Date(), instance: "", stream: "platform", text });
  }

  #tick(nowMs: number): void {
    for (const runner of this.#runners) if (runner.active) runner.tick(nowMs);
    this.#instances.tick();
  }

  *#idle(): Iterable<EvictableInstance> {
    const nowMs = performance.now();
    for (const { runner } of this.#entries.values()) yield* runner.idle(nowMs);
  }

  #summary(name: string): FunctionSummary | undefined {
    const entry = this.#entries.get(name);
    if (!entry?.runner.current) return undefined;
    const { version, hash, createdAt: updatedAt } = entry.runner.current;
    return { name, version, hash, createdAt: entry.createdAt, updatedAt, ready: entry.runner.readyCount };
  }

  #newEntry(name: string, createdAt: Date): Entry {
    const runner = new FunctionRunner({
      name,
      endpoints: this.#endpoints,
      onLine: this.#onLine,
      streamIdleMs: this.#limits.streamIdleMs,
      start: (version, options) => this.#instances.start(version, options),
    });
    this.#runners.add(runner);
    return { runner, createdAt };
  }

  #addEntry(name: string, createdAt: Date): Entry {
    const entry = this.#newEntry(name, createdAt);
    this.#entries.set(name, entry);
    return entry;
  }

  async #inOrder<T>(name: string, change: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(name) ?? Promise.resolve();
    const done = before.then(change, change);
    this.#changes.set(name, done);
    try {
      return await done;
    } finally {
      if (this.#changes.get(name) === done) this.#changes.delete(name);
    }
  }
}

function withoutInstances(endpoints: Endpoints): Endpoints {
  return { ...endpoints, versions: endpoints.versions.map((version) => ({ ...version, instances: [] })) };
}

/** The limit of instances may have been lowered since the version was made. */
function bounded(settings: Settings, { instancesPerFunction }: Limits): Settings {
  const max = Math.min(settings.max, instancesPerFunction);
  return { ...settings, max, min: Math.min(settings.min, max) };
}

/** The disk is full, or the system has no file or process left: that says nothing of the version. */
function isOfTheMachine(error: StartError): boolean {
  return isDiskFull(error) || shortageOf(error) !== undefined;
}

function startFailed(error: StartError): Problem {
  const last = error.log.length > 0 ? ` Its last lines:\n${error.log.join("\n")}` : "";
  return new Problem("start_failed", `The new version ${error.message}. Nothing was changed.${last}`, {
    log: error.log,
  });
}
