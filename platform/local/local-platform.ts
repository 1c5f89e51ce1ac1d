import { join } from "node:path";
import { DECLARATION_KINDS, type DeclarationKinds } from "../declarations.ts";
import { EndpointsTable } from "../endpoints-table.ts";
import type { AllowedImages } from "../images/allowed-images.ts";
import type { Limits } from "../limits.ts";
import { describeEach } from "../listing/pages.ts";
import type {
  Draft,
  EndpointsListener,
  FunctionDescription,
  FunctionSummary,
  Load,
  LogLine,
  LogOptions,
  Page,
  Platform,
  Precondition,
  RouteRules,
  Source,
  Stored,
  Traffic,
  VersionRecord,
  WakeStep,
} from "../platform.ts";
import { checkPrecondition } from "../precondition.ts";
import { Problem } from "../problems.ts";
import type { Runtime } from "../settings/runtime.ts";
import type { Settings } from "../settings/settings.ts";
import { Changes } from "./changes.ts";
import type { LocalCommands } from "./commands/local-commands.ts";
import { openCommands } from "./commands/open-commands.ts";
import { LocalDeclarations } from "./declarations.ts";
import { describeImages, EngineFinder, type EngineVariables } from "./engine/find-engine.ts";
import { EngineImages, type EngineImagesOptions } from "./engine/images.ts";
import { Functions } from "./functions.ts";
import { InstanceWatch, WATCH_TIMES, type WatchTimes } from "./instances/instance-watch.ts";
import { Instances } from "./instances/instances.ts";
import { removeTreeSync } from "./instances/remove-tree.ts";
import { Networks } from "./network/networks.ts";
import { checkRuntimeClass } from "./runtime-class.ts";
import { LocalSecrets } from "./secrets/local-secrets.ts";
import { type KeySource, SecretKey } from "./secrets/secret-key.ts";
import { makeDataFolder } from "./store/data-folder.ts";
import { Store } from "./store/store.ts";
import type { FunctionRecord } from "./store/version-rows.ts";
import type { Isolation, IsolationMode } from "./wall/isolation.ts";
import type { WallKind } from "./wall/profile.ts";

export interface LocalPlatformOptions {
  /** Folder of everything that must outlive a restart. It is made if it does not exist. */
  readonly dataFolder: string;
  readonly limits: Limits;
  /** Kinds of declarations; DECLARATION_KINDS by default. */
  readonly kinds?: DeclarationKinds;
  /** Where the key for secrets is. Without it no secret can be stored. */
  readonly secretsKey?: KeySource;
  /** Paths in that folder that a crash of other parts leaves behind. They are removed at the start. */
  readonly leftovers?: readonly string[];
  /** Receives every line that a function prints or that the platform logs about it. */
  readonly onLine?: (name: string, line: LogLine, isGone?: boolean) => void;
  /** Resolves when every router uses the newest endpoints. A change of the traffic or a removal waits for it. */
  readonly spread?: () => Promise<void>;
  /** What isolates functions; `auto` by default. */
  readonly isolation?: IsolationMode;
  /** Walls to try, strongest first; all of WALL_KINDS by default. */
  readonly walls?: readonly WallKind[];
  /** Also limits the connections of functions by the kernel, where that works. */
  readonly walledNetwork?: boolean;
  /** Intervals of the health checks; WATCH_TIMES by default. */
  readonly watchTimes?: Partial<WatchTimes>;
  /** False: measure memory without control groups. */
  readonly useGroups?: boolean;
  /** What runs images; absent: nothing does. */
  readonly engine?: EngineOptions;
}

export interface EngineOptions {
  /** Name the socket of a container engine. */
  readonly variables: EngineVariables;
  /** The images that functions may use. */
  readonly allowed: AllowedImages;
}

interface Opened {
  readonly store: Store;
  readonly secrets: LocalSecrets;
  readonly closing: AbortController;
  readonly instances: Instances;
  readonly functions: readonly FunctionRecord[];
  readonly engine: { readonly engines: EngineFinder; readonly images: EngineImages } | undefined;
  readonly commands: LocalCommands;
}

/** Interval at which containers are removed that nothing uses any more. */
const SWEEP_MS = 60_000;
/** After the start, when the engine has done what an earlier process had asked for before it was killed. */
const SECOND_SWEEP_MS = 5_000;

/** Runs functions as Deno processes of this machine, started by calls. All state is in one folder. */
export class LocalPlatform implements Platform {
  readonly abilities = { scalesOut: true, scalesToZero: true, runsCode: true, durable: true };
  readonly declarations: LocalDeclarations;
  readonly secrets: LocalSecrets;
  readonly commands: LocalCommands;
  readonly images?: EngineImages;
  readonly #sweeping: readonly NodeJS.Timeout[];
  readonly #log: (text: string) => void;
  readonly #drainMs: number;
  readonly #store: Store;
  readonly #instances: Instances;
  readonly #watch: InstanceWatch;
  readonly #changes: Changes;
  readonly #functions: Functions;
  readonly #endpoints = new EndpointsTable();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing: AbortController;
  readonly #engines: EngineFinder | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    options: LocalPlatformOptions,
    { store, secrets, closing, instances, functions, engine, commands }: Opened,
  ) {
    const { limits, spread = () => Promise.resolve(), onLine = () => {}, watchTimes } = options;
    this.#log = (text) => onLine("skiff", { at: new Date(), instance: "", stream: "platform", text });
    this.#drainMs = limits.drainMs;
    this.#store = store;
    this.secrets = secrets;
    this.#closing = closing;
    this.#instances = instances;
    if (engine) this.images = engine.images;
    this.#engines = engine?.engines;
    this.#sweeping = [
      setTimeout(() => this.#sweep(), SECOND_SWEEP_MS).unref(),
      setInterval(() => this.#sweep(), SWEEP_MS).unref(),
    ];
    this.declarations = new LocalDeclarations({
      store,
      limits,
      kinds: options.kinds ?? DECLARATION_KINDS,
      closing: this.#closing.signal,
      print: this.#log,
    });
    this.commands = commands;
    const onForgotten = () => secrets.sweep();
    const changes = new Changes({ store, bundles: instances.bundles, spread, onLine, onForgotten });
    this.#changes = changes;
    this.#functions = new Functions(functions, {
      endpoints: this.#endpoints,
      limits,
      onLine,
      start: (version, startOptions) => instances.start(version, startOptions),
      read: (name, version) => store.version(name, version),
      retire: (record) => changes.retire(record),
    });
    const tick = (nowMs: number) => {
      this.#functions.tick(nowMs);
      instances.tick();
    };
    const watched = { instances: () => instances.all, tick };
    this.#watch = new InstanceWatch(watched, { ...WATCH_TIMES, ...watchTimes });
  }

  /** @throws Error with advice for the operator if the data folder cannot be used */
  static async open(options: LocalPlatformOptions): Promise<LocalPlatform> {
    const { leftovers = [], limits, isolation = "auto", walls, useGroups, onLine = () => {} } = options;
    const dataFolder = makeDataFolder(options.dataFolder);
    const log = (text: string) => onLine("skiff", { at: new Date(), instance: "", stream: "platform", text });
    const probeNetworks = () => Networks.probe({ folder: join(dataFolder, "networks"), onLine: log });
    const store = await Store.open(join(dataFolder, "skiff.db"));
    const closing = new AbortController();
    const key = new SecretKey(options.secretsKey, dataFolder);
    const secrets = new LocalSecrets({ store, key, closing: closing.signal, print: log });
    const engine = options.engine && openEngine(options.engine, { secrets, limits, onLine: log });
    let instances: Instances | undefined;
    let platform: LocalPlatform | undefined;
    try {
      // The folder is locked. Leftovers of a crash may fill the disk, so they are removed before the first write.
      for (const path of leftovers) removeTreeSync(join(dataFolder, path));
      instances = new Instances({
        ...{ dataFolder, store, secrets, limits, isolation, walls, useGroups, engine },
        idle: () => (platform === undefined ? [] : platform.#functions.idle(performance.now())),
        probeNetworks: options.walledNetwork ? probeNetworks : undefined,
      });
      await store.prepare();
      const functions = await store.functions();
      const { launching } = instances;
      platform = new LocalPlatform(options, {
        ...{ store, secrets, closing, instances, functions, engine },
        commands: openCommands({ dataFolder, limits, launching, engine, print: log }),
      });
      platform.#sweep();
      // A crash may have left them.
      secrets.sweep();
      return platform;
    } catch (error) {
      await instances?.close();
      await store.close();
      throw error;
    }
  }

  /** Memory of all instances together, and the most that it may be. */
  get memory(): { readonly usedMiB: number; readonly limitMiB: number } {
    return this.#instances.memory;
  }

  /** Memory of each instance by its id, as measured last, in MiB. */
  get memoryById(): ReadonlyMap<string, number> {
    return this.#instances.memoryById;
  }

  /** What isolates functions. @throws Error with advice for the operator if the requested isolation does not work */
  async isolation(): Promise<Isolation> {
    return (await this.#instances.launching).isolation;
  }

  /** What holds programs, found out by running one in it; for people. */
  async describePrograms(): Promise<{ readonly files: string; readonly network: string }> {
    return (await this.#instances.launching).describePrograms();
  }

  /** Describes what limits the connections of functions, for people. */
  async describeNetwork(): Promise<string> {
    return (await this.#instances.launching).describeNetwork();
  }

  /** Makes first starts as fast as later ones. See Launching.warm. */
  async warm(): Promise<void> {
    await (await this.#instances.launching).warm();
  }

  expectModule(settings: Settings): void {
    if (this.#closing.signal.aborted) return;
    // `store` reports why nothing can be launched.
    void this.#track(this.#instances.startEarly(settings)).catch(() => {});
  }

  async store(draft: Draft, signal?: AbortSignal): Promise<Stored> {
    const until = this.#until(signal);
    checkRuntimeClass(draft.settings);
    const fn = this.#functions.find(draft.name) ?? this.#functions.add(draft.name);
    try {
      return await this.#track(this.#changes.store(fn, draft, until));
    } finally {
      this.#functions.deleteUnused(fn);
    }
  }

  async route(name: string, traffic: Traffic, signal?: AbortSignal, rules: RouteRules = {}): Promise<void> {
    const until = this.#until(signal);
    await this.#track(this.#changes.route(this.#functions.get(name), { traffic, rules }, until));
  }

  async pin(name: string, version: number, isPinned: boolean): Promise<void> {
    this.#closing.signal.throwIfAborted();
    await this.#track(this.#changes.pin(this.#functions.get(name), version, isPinned));
  }

  async remove(name: string, expected?: Precondition): Promise<boolean> {
    const fn = this.#functions.find(name);
    if (expected !== undefined) {
      await fn?.inOrder(() => Promise.resolve());
      checkPrecondition(name, expected, this.#functions.find(name)?.currentVersion);
    }
    if (fn === undefined || fn.ending.aborted) return false;
    const { isStored } = fn;
    await this.#track(this.#changes.remove(fn, () => this.#functions.remove(fn)));
    return isStored;
  }

  list({ after = "", limit }: Parameters<Platform["list"]>[0]): Promise<FunctionSummary[]> {
    return this.#functions.list(after, limit);
  }

  describePage(page: Page): Promise<(FunctionDescription | FunctionSummary)[]> {
    return describeEach(this, page);
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    const versions = await this.#store.versions(name);
    const fn = this.#functions.find(name);
    const current = versions.find(({ version }) => version === fn?.versions.current);
    const isolation = await this.#describeIsolation(current?.settings.runtime ?? "deno");
    return this.#functions.find(name)?.describe(versions, isolation);
  }

  async find(name: string, version?: number): Promise<VersionRecord | undefined> {
    const fn = this.#functions.find(name);
    return fn && this.#functions.record(fn, version ?? fn.versions.current);
  }

  async listVersions(name: string): Promise<readonly VersionRecord[] | undefined> {
    const fn = this.#functions.find(name);
    const stored = fn?.isStored ? await this.#store.versions(name) : [];
    return stored.length > 0 ? stored : undefined;
  }

  async readSource(name: string, version?: number): Promise<Source | undefined> {
    const fn = this.#functions.find(name);
    return fn && this.#store.source(name, version ?? fn.versions.current);
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

  async wake(name: string, version: number): Promise<readonly WakeStep[]> {
    this.#closing.signal.throwIfAborted();
    const runner = await this.#functions.get(name).runnerOf(version);
    if (runner.ready.length > 0) return [];
    const sinceMs = performance.now();
    await runner.wake();
    return [{ name: "start", atMs: performance.now() - sinceMs }];
  }

  report(load: Load): void {
    this.#functions.report(load);
  }

  async *logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    yield* this.#functions.get(name).log.read(options);
  }

  close({ drainMs = this.#drainMs }: { drainMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  /** Removes containers that a crash has left. An engine that is away is tried again. */
  #sweep(): void {
    if (this.#closing.signal.aborted) return;
    void this.#track(this.#instances.sweep()).catch((error: Error) => {
      this.#log(`Containers that a crash may have left could not be removed: ${error.message}.`);
    });
  }

  async #close(drainMs: number): Promise<void> {
    for (const timer of this.#sweeping) clearTimeout(timer);
    const why = new Problem("draining", "Skiff is shutting down: try again in a moment.", { retryAfterS: 1 });
    this.#closing.abort(why);
    await this.#functions.close(why, drainMs);
    await Promise.allSettled(this.#underWay);
    this.#watch.close();
    await this.#instances.close();
    await this.secrets.close();
    await this.#store.close();
  }

  async #describeIsolation(runtime: Runtime) {
    if (runtime === "program") return await this.describePrograms();
    if (runtime === "image" && this.#engines) return describeImages(await this.#engines.find());
    return { files: (await this.isolation()).description, network: await this.describeNetwork() };
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    const until = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    until.throwIfAborted();
    return until;
  }

  async #track<T>(change: Promise<T>): Promise<T> {
    this.#underWay.add(change);
    try {
      return await change;
    } finally {
      this.#underWay.delete(change);
    }
  }
}

function openEngine(
  { variables, allowed }: EngineOptions,
  { secrets, limits, onLine }: Pick<EngineImagesOptions, "secrets" | "onLine"> & { limits: Limits },
) {
  const engines = new EngineFinder(variables);
  return { engines, images: new EngineImages({ engines, allowed, secrets, pullMs: limits.pullMs, onLine }) };
}
