import { EndpointsTable } from "../endpoints-table.ts";
import type {
  Draft,
  EndpointsListener,
  FunctionDescription,
  FunctionSummary,
  Load,
  LogLine,
  LogOptions,
  Platform,
  Source,
  Stored,
  Traffic,
  VersionRecord,
  WakeStep,
} from "../platform.ts";
import { Problem } from "../problems.ts";
import { Changes } from "./changes.ts";
import { Functions } from "./functions.ts";
import { InstanceWatch, WATCH_TIMES } from "./instances/instance-watch.ts";
import type { Instances } from "./instances/instances.ts";
import { type LocalPlatformOptions, type Opened, openParts } from "./opening.ts";
import type { Store } from "./store/store.ts";
import type { Isolation } from "./wall/isolation.ts";

export type { LocalPlatformOptions } from "./opening.ts";

/** Runs functions as Deno processes of this machine, started by calls. All state is in one folder. */
export class LocalPlatform implements Platform {
  readonly abilities = { scalesOut: true, scalesToZero: true, runsCode: true, durable: true };
  readonly #drainMs: number;
  readonly #store: Store;
  readonly #instances: Instances;
  readonly #watch: InstanceWatch;
  readonly #changes: Changes;
  readonly #functions: Functions;
  readonly #endpoints = new EndpointsTable();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  private constructor(options: LocalPlatformOptions, { store, instances, functions }: Opened) {
    const { limits, spread = () => Promise.resolve(), onLine = () => {}, watchTimes } = options;
    this.#drainMs = limits.drainMs;
    this.#store = store;
    this.#instances = instances;
    const changes = new Changes({ store, bundles: instances.bundles, spread, onLine });
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
    let platform: LocalPlatform | undefined;
    const idle = () => (platform === undefined ? [] : platform.#functions.idle(performance.now()));
    platform = new LocalPlatform(options, await openParts(options, idle));
    return platform;
  }

  /** What isolates functions. @throws Error with advice for the operator if the requested isolation does not work */
  async isolation(): Promise<Isolation> {
    return (await this.#instances.launching).isolation;
  }

  /** Describes what limits the connections of functions, for people. */
  async describeNetwork(): Promise<string> {
    return (await this.#instances.launching).describeNetwork();
  }

  /** Makes first starts as fast as later ones. See Launching.warm. */
  async warm(): Promise<void> {
    await (await this.#instances.launching).warm();
  }

  async store(draft: Draft, signal?: AbortSignal): Promise<Stored> {
    const until = this.#until(signal);
    const fn = this.#functions.find(draft.name) ?? this.#functions.add(draft.name);
    try {
      return await this.#track(this.#changes.store(fn, draft, until));
    } finally {
      this.#functions.deleteUnused(fn);
    }
  }

  async route(name: string, traffic: Traffic, signal?: AbortSignal): Promise<void> {
    const until = this.#until(signal);
    await this.#track(this.#changes.route(this.#functions.get(name), traffic, until));
  }

  async remove(name: string): Promise<boolean> {
    const fn = this.#functions.find(name);
    const isBeingRemoved = fn?.ending.aborted;
    if (fn === undefined || isBeingRemoved) return false;
    const { isStored } = fn;
    await this.#track(this.#changes.remove(fn, () => this.#functions.remove(fn)));
    return isStored;
  }

  list({ after = "", limit }: Parameters<Platform["list"]>[0]): Promise<FunctionSummary[]> {
    return this.#functions.list(after, limit);
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    const versions = await this.#store.versions(name);
    const isolation = { files: (await this.isolation()).description, network: await this.describeNetwork() };
    return this.#functions.find(name)?.describe(versions, isolation);
  }

  async find(name: string, version?: number): Promise<VersionRecord | undefined> {
    const fn = this.#functions.find(name);
    return fn && this.#functions.record(fn, version ?? fn.versions.current);
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

  async #close(drainMs: number): Promise<void> {
    const why = new Problem("draining", "Skiff is shutting down: try again in a moment.", { retryAfterS: 1 });
    this.#closing.abort(why);
    await this.#functions.close(why, drainMs);
    await Promise.allSettled(this.#underWay);
    this.#watch.close();
    await this.#instances.close();
    await this.#store.close();
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
