import { DECLARATION_KINDS, type DeclarationKinds } from "../../../platform/declarations.ts";
import { EndpointsTable } from "../../../platform/endpoints-table.ts";
import type { Commands } from "../../../platform/images/commands.ts";
import { describeEach } from "../../../platform/listing/pages.ts";
import { LogBuffer } from "../../../platform/log-buffer.ts";
import { checkPins } from "../../../platform/pins.ts";
import type {
  Address,
  Content,
  Draft,
  FunctionDescription,
  FunctionSummary,
  Instance,
  Load,
  LogLine,
  LogOptions,
  Page,
  Platform,
  Precondition,
  RouteRules,
  Stored,
  Traffic,
  VersionRecord,
  WakeStep,
} from "../../../platform/platform.ts";
import { checkPrecondition } from "../../../platform/precondition.ts";
import { Problem } from "../../../platform/problems.ts";
import { modeOf, placingOf } from "../../../platform/settings/runtime.ts";
import type { Settings } from "../../../platform/settings/settings.ts";
import {
  checkTraffic,
  currentVersion,
  frontOf,
  historyAfter,
  previousVersion,
  type TrafficHistory,
} from "../../../platform/traffic.ts";
import { MemoryDeclarations } from "./memory-declarations.ts";
import { MemorySecrets } from "./memory-secrets.ts";

export interface FakeVersion extends VersionRecord, Content {
  readonly instances: readonly Instance[];
}

interface FakeFunction {
  readonly versions: Map<number, FakeVersion>;
  history: TrafficHistory;
  rules: Omit<RouteRules, "expected">;
  readonly createdAt: Date;
  readonly log: LogBuffer;
}

export interface FakeOptions {
  /** Makes an instance of a version ready; throws what `store`, `route` and `wake` are to throw. */
  start?: (version: FakeVersion) => Promise<Address> | Address;
  /** What `wake` says of its steps. */
  wakeSteps?: readonly WakeStep[];
  /** Versions kept of a function; 20 by default. */
  versionsKept?: number;
  /** Kinds of declarations; DECLARATION_KINDS by default. */
  kinds?: DeclarationKinds;
  /** What runs commands; absent by default. */
  commands?: Commands;
  /** Takes one line for people. */
  print?: (line: string) => void;
}

/** A platform in memory for tests of manager and router: instances are whatever addresses the test gives. */
export class FakePlatform implements Platform {
  readonly abilities = { scalesOut: false, scalesToZero: false, runsCode: false, durable: false };
  readonly declarations: MemoryDeclarations;
  readonly secrets: MemorySecrets;
  readonly commands?: Commands;
  readonly loads: Load[] = [];
  /** Settings of modules that the manager announced. */
  readonly expected: Settings[] = [];
  readonly #options: Required<Omit<FakeOptions, "commands">>;
  readonly #functions = new Map<string, FakeFunction>();
  readonly #endpoints = new EndpointsTable();
  readonly #waking = new Map<string, Promise<readonly WakeStep[]>>();
  /** The last change under way: changes happen in order. */
  #change: Promise<unknown> = Promise.resolve();
  #closed = false;
  #instances = 0;

  constructor(options: FakeOptions = {}) {
    const start = () => ({ unix: "/nonexistent/fake.sock" });
    const defaults = { start, wakeSteps: [], versionsKept: 20, kinds: DECLARATION_KINDS, print: () => {} };
    this.#options = { ...defaults, ...options };
    if (options.commands !== undefined) this.commands = options.commands;
    const throwIfOver = () => this.#throwIfOver();
    this.declarations = new MemoryDeclarations({ ...this.#options, throwIfOver });
    const records = () => [...this.#functions.values()].flatMap(({ versions }) => [...versions.values()]);
    this.secrets = new MemorySecrets({ records, throwIfOver });
  }

  expectModule(settings: Settings): void {
    this.expected.push(settings);
  }

  store(draft: Draft, signal?: AbortSignal): Promise<Stored> {
    return this.#inOrder(() => this.#store(draft, signal));
  }

  async #store(draft: Draft, signal?: AbortSignal): Promise<Stored> {
    this.#throwIfOver(signal);
    const { name, hash, sourceHash, settings, note = { by: "unknown" }, expected } = draft;
    const known = this.#functions.get(name);
    checkPrecondition(name, expected, known && this.#current(name));
    const number = Math.max(0, ...(known?.versions.keys() ?? [])) + 1;
    const { source, artifact } = this.#contentOf(draft);
    const record = { name, version: number, hash, sourceHash, settings, createdAt: new Date(), note };
    const rest = { source, artifact, sourceBytes: source.bytes.byteLength, pinned: false, instances: [] };
    const version: FakeVersion = { ...record, ...rest };
    const address = await this.#options.start(version);
    this.#throwIfOver(signal);
    const unrouted = { history: { traffic: [], whole: [] }, rules: {} };
    const entry = known ?? { versions: new Map(), ...unrouted, createdAt: new Date(), log: new LogBuffer() };
    this.#functions.set(name, entry);
    entry.versions.set(number, version);
    this.#setInstances(name, number, [address]);
    this.#prune(name, entry);
    return { name, version: number, created: known === undefined };
  }

  #contentOf({ name, content }: Draft): Content {
    if (!("sameAs" in content)) return content;
    const found = this.#functions.get(name)?.versions.get(content.sameAs);
    if (found) return found;
    throw unknownVersion(name, content.sameAs);
  }

  #prune(name: string, { versions, history: { traffic } }: FakeFunction): void {
    const newest = Math.max(...versions.keys());
    for (const [number, { pinned }] of versions) {
      const isRouted = traffic.some(({ version }) => version === number);
      if (number <= newest - this.#options.versionsKept && !isRouted && !pinned) versions.delete(number);
    }
    this.#publishEndpoints(name);
  }

  route(name: string, traffic: Traffic, signal?: AbortSignal, rules: RouteRules = {}): Promise<void> {
    return this.#inOrder(() => this.#route(name, { traffic, rules }, signal));
  }

  async #route(
    name: string,
    { traffic, rules: { expected, ...rules } }: { traffic: Traffic; rules: RouteRules },
    signal?: AbortSignal,
  ): Promise<void> {
    this.#throwIfOver(signal);
    checkTraffic(traffic);
    const entry = this.#function(name);
    checkPrecondition(name, expected, this.#current(name));
    for (const { version } of traffic) {
      const { instances, settings } = this.#version(name, version);
      const needed = Math.max(1, settings.min);
      if (instances.length < needed) await this.#start(name, version, needed);
    }
    this.#throwIfOver(signal);
    const isLost = (before: number) => traffic.every(({ version }) => version !== before);
    const lost = entry.history.traffic.filter(({ version }) => isLost(version));
    entry.history = historyAfter(entry.history, traffic);
    entry.rules = rules;
    for (const { version } of lost) this.#replace(name, version, []);
    this.#publishEndpoints(name);
  }

  pin(name: string, version: number, isPinned: boolean): Promise<void> {
    return this.#inOrder(async () => {
      const { versions } = this.#function(name);
      const found = this.#version(name, version);
      const pinned = [...versions.values()].filter((each) => each.pinned).map((each) => each.version);
      checkPins(new Set(pinned), { version, isPinned, most: this.#options.versionsKept });
      versions.set(version, { ...found, pinned: isPinned });
    });
  }

  /** Replaces the ready instances of a version: what a crash, a scale-out or an idle stop does. */
  setInstances(name: string, addresses: readonly Address[], version = this.#current(name)): void {
    this.#setInstances(name, version, addresses);
  }

  print(name: string, text: string): void {
    const at = new Date();
    const line: LogLine = { at, instance: "fake", version: this.#current(name), stream: "stdout", text };
    this.#functions.get(name)?.log.push(line);
  }

  remove(name: string, expected?: Precondition): Promise<boolean> {
    return this.#inOrder(async () => {
      checkPrecondition(name, expected, this.#functions.has(name) ? this.#current(name) : undefined);
      return this.#remove(name);
    });
  }

  #remove(name: string): boolean {
    const entry = this.#functions.get(name);
    if (!entry) return false;
    this.#functions.delete(name);
    this.#endpoints.delete(name);
    entry.log.close();
    return true;
  }

  async list({ after, limit }: { after?: string | undefined; limit: number }) {
    const names = [...this.#functions.keys()].sort().filter((name) => after === undefined || name > after);
    return names.slice(0, limit).map((name) => this.#describe(name));
  }

  describePage(page: Page): Promise<(FunctionDescription | FunctionSummary)[]> {
    return describeEach(this, page);
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    return this.#functions.has(name) ? this.#describe(name) : undefined;
  }

  #describe(name: string): FunctionDescription {
    const { versions, history, rules, createdAt } = this.#function(name);
    const { version, hash, settings, createdAt: updatedAt, instances } = this.#version(name);
    const all = [...versions.values()];
    return {
      name,
      version,
      hash,
      settings,
      createdAt,
      updatedAt,
      traffic: history.traffic,
      ...rules,
      previous: previousVersion(history),
      ready: instances.length,
      versions: all.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
      instances: all.flatMap(({ version, instances }) =>
        instances.map(({ id }) => ({ id, version, state: "ready", startedAt: updatedAt }) as const),
      ),
      lastErrors: [],
    };
  }

  async find(name: string, version?: number): Promise<VersionRecord | undefined> {
    return this.#find(name, version);
  }

  async listVersions(name: string): Promise<readonly VersionRecord[] | undefined> {
    const entry = this.#functions.get(name);
    return entry && [...entry.versions.values()];
  }

  async readSource(name: string, version?: number) {
    return this.#find(name, version)?.source;
  }

  endpoints(name: string) {
    return this.#endpoints.get(name);
  }

  allEndpoints() {
    return this.#endpoints.all();
  }

  watch(listener: Parameters<Platform["watch"]>[0]) {
    return this.#endpoints.watch(listener);
  }

  wake(name: string, version: number): Promise<readonly WakeStep[]> {
    const key = `${name} ${version}`;
    const running = this.#waking.get(key);
    if (running) return running;
    const wake = this.#wake(name, version).finally(() => this.#waking.delete(key));
    this.#waking.set(key, wake);
    return wake;
  }

  async #wake(name: string, version: number): Promise<readonly WakeStep[]> {
    this.#throwIfOver();
    if (this.#version(name, version).instances.length > 0) return [];
    await this.#start(name, version, 1);
    return this.#options.wakeSteps;
  }

  report(load: Load): void {
    this.loads.push(load);
  }

  async *logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    yield* this.#function(name).log.read(options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const name of [...this.#functions.keys()]) this.#remove(name);
  }

  async #start(name: string, version: number, count: number): Promise<void> {
    const addresses: Address[] = [];
    while (addresses.length < count) addresses.push(await this.#options.start(this.#version(name, version)));
    this.#setInstances(name, version, addresses);
  }

  #setInstances(name: string, version: number, addresses: readonly Address[]): void {
    this.#replace(name, version, addresses);
    this.#publishEndpoints(name);
  }

  #replace(name: string, version: number, addresses: readonly Address[]): void {
    const instances = addresses.map((address) => ({ id: `fake-${++this.#instances}`, address }));
    this.#function(name).versions.set(version, { ...this.#version(name, version), instances });
  }

  #publishEndpoints(name: string): void {
    const { history, rules, versions } = this.#function(name);
    const { traffic } = history;
    const all = [...versions.values()].map(({ version, settings, instances }) => {
      const { max, timeoutMs, memoryMiB } = settings;
      const placing = placingOf({ ...settings, mode: modeOf(settings) });
      return { version, max, ...placing, timeoutMs, memoryMiB, instances };
    });
    const { settings } = versions.get(this.#current(name)) ?? {};
    const sticky = rules.sticky === undefined ? {} : { sticky: rules.sticky };
    const front = frontOf(settings ?? {}, traffic.length > 0);
    this.#endpoints.set({ name, traffic, ...sticky, versions: all, ...front });
  }

  #current(name: string): number {
    const { history, versions } = this.#function(name);
    const { traffic } = history;
    return currentVersion(traffic) ?? Math.max(...versions.keys());
  }

  #find(name: string, version?: number): FakeVersion | undefined {
    return this.#functions.get(name)?.versions.get(version ?? this.#current(name));
  }

  /** @throws Problem `unknown_function` */
  #function(name: string): FakeFunction {
    const entry = this.#functions.get(name);
    if (entry) return entry;
    throw new Problem("unknown_function", `There is no function "${name}".`);
  }

  /** @throws Problem `unknown_function`, `unknown_version` */
  #version(name: string, version = this.#current(name)): FakeVersion {
    const found = this.#function(name).versions.get(version);
    if (found) return found;
    throw unknownVersion(name, version);
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#change.then(change, change);
    this.#change = done;
    return done;
  }

  #throwIfOver(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (!this.#closed) return;
    throw new Problem("draining", "The fake platform is closed.", { retryAfterS: 1 });
  }
}

function unknownVersion(name: string, version: number): Problem {
  return new Problem("unknown_version", `"${name}" has no version ${version}.`);
}
