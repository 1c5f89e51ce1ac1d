import { DECLARATION_KINDS } from "../declarations.ts";
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
import { LocalDeclarations } from "./declarations.ts";
import { describeFunction, summarize } from "./description.ts";
import { Functions } from "./functions.ts";
import { InstanceWatch, WATCH_TIMES } from "./instances/instance-watch.ts";
import type { Instances } from "./instances/instances.ts";
import { type LocalPlatformOptions, type Opened, openParts } from "./opening.ts";
import type { Store } from "./store/store.ts";
import type { Isolation } from "./wall/isolation.ts";

export type { LocalPlatformOptions } from "./opening.ts";

/** Functions as Deno processes of this machine, started when they are called; state in one folder. */
export class LocalPlatform implements Platform {
  readonly abilities = { scalesOut: true, scalesToZero: true, runsCode: true, durable: true };
  readonly declarations: LocalDeclarations;
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
    this.declarations = new LocalDeclarations({
      store,
      limits,
      kinds: options.kinds ?? DECLARATION_KINDS,
      closing: this.#closing.signal,
      print: (text) => onLine("skiff", { at: new Date(), instance: "", stream: "platform", text }),
    });
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
    this.#watch = new InstanceWatch(
      { instances: () => instances.all, tick },
      { ...WATCH_TIMES, ...watchTimes },
    );
  }

  /** @throws Error in words for the person who started it, when the data folder cannot be used */
  static async open(options: LocalPlatformOptions): Promise<LocalPlatform> {
    let platform: LocalPlatform | undefined;
    const idle = () => (platform === undefined ? [] : platform.#functions.idle(performance.now()));
    platform = new LocalPlatform(options, await openParts(options, idle));
    return platform;
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
    if (fn === undefined) return false;
    const isAlreadyRemoved = fn.ending.aborted;
    if (isAlreadyRemoved) return false;
    const { isStored } = fn;
    await this.#track(this.#changes.remove(fn, () => this.#functions.remove(fn)));
    return isStored;
  }

  async list({
    after = "",
    limit,
  }: {
    after?: string | undefined;
    limit: number;
  }): Promise<FunctionSummary[]> {
    const page = this.#functions.page(after, limit);
    const records = await Promise.all(page.map((fn) => this.#functions.record(fn, fn.versions.current)));
    return page.flatMap((fn, index) => summarize(fn, records[index]) ?? []);
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    const versions = await this.#store.versions(name);
    const isolation = { files: (await this.isolation()).description, network: await this.describeNetwork() };
    const fn = this.#functions.find(name);
    return fn && describeFunction(fn, { versions, isolation, nowMs: performance.now() });
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
    const askedAtMs = performance.now();
    await runner.wake();
    return [{ name: "start", atMs: performance.now() - askedAtMs }];
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
    const why = new Problem("draining", "Skiff is shutting down; try again when it is up.", {
      retryAfterS: 1,
    });
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
