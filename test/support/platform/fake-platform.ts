import { EndpointsTable } from "../../../platform/endpoints-table.ts";
import { LogBuffer } from "../../../platform/log-buffer.ts";
import type {
  Address,
  Draft,
  FunctionDescription,
  Instance,
  Load,
  LogLine,
  LogOptions,
  Platform,
  Published,
  Version,
  WakeStep,
} from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";

interface FakeFunction {
  readonly versions: Version[];
  instances: Instance[];
  readonly createdAt: Date;
  readonly log: LogBuffer;
}

export interface FakeOptions {
  /** Makes an instance of a version ready; throws what `publish` and `wake` are to throw. */
  start?: (version: Version) => Promise<Address> | Address;
  /** What `wake` says of its steps. */
  wakeSteps?: readonly WakeStep[];
}

/** A platform in memory for tests of manager and router: instances are whatever addresses the test gives. */
export class FakePlatform implements Platform {
  readonly abilities = { scalesOut: false, scalesToZero: false, runsCode: false, durable: false };
  readonly loads: Load[] = [];
  readonly #functions = new Map<string, FakeFunction>();
  readonly #endpoints = new EndpointsTable();
  readonly #waking = new Map<string, Promise<readonly WakeStep[]>>();
  /** The last change under way: changes happen in order. */
  #change: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #start: NonNullable<FakeOptions["start"]>;
  #instances = 0;

  readonly #wakeSteps: readonly WakeStep[];

  constructor({ start = () => ({ unix: "/nonexistent/fake.sock" }), wakeSteps = [] }: FakeOptions = {}) {
    this.#start = start;
    this.#wakeSteps = wakeSteps;
  }

  publish(draft: Draft, signal?: AbortSignal): Promise<Published> {
    return this.#inOrder(() => this.#publish(draft, signal));
  }

  async #publish(draft: Draft, signal?: AbortSignal): Promise<Published> {
    signal?.throwIfAborted();
    this.#throwIfClosed();
    const { name } = draft;
    const current = this.#functions.get(name)?.versions.at(-1);
    if (current?.hash === draft.hash)
      return { name, version: current.version, created: false, unchanged: true };
    const version: Version = { ...draft, version: (current?.version ?? 0) + 1, createdAt: new Date() };
    const address = await this.#start(version);
    signal?.throwIfAborted();
    this.#throwIfClosed();
    const entry = this.#functions.get(name) ?? {
      versions: [],
      instances: [],
      createdAt: new Date(),
      log: new LogBuffer(),
    };
    this.#functions.set(name, entry);
    entry.versions.push(version);
    this.setInstances(name, [address]);
    return { name, version: version.version, created: current === undefined, unchanged: false };
  }

  /** Replaces the ready instances of a function: what a crash, a scale-out or an idle stop does. */
  setInstances(name: string, addresses: readonly Address[]): void {
    const entry = this.#functions.get(name);
    const version = entry?.versions.at(-1);
    if (!entry || !version) throw new Error(`no function ${name}`);
    entry.instances = addresses.map((address) => ({ id: `fake-${++this.#instances}`, address }));
    const { concurrency, timeoutMs } = version.settings;
    this.#endpoints.set({
      name,
      version: version.version,
      concurrency,
      timeoutMs,
      instances: entry.instances,
    });
  }

  print(name: string, text: string): void {
    const line: LogLine = { at: new Date(), instance: "fake", stream: "stdout", text };
    this.#functions.get(name)?.log.push(line);
  }

  remove(name: string): Promise<boolean> {
    return this.#inOrder(async () => this.#remove(name));
  }

  #remove(name: string): boolean {
    const entry = this.#functions.get(name);
    if (!entry) return false;
    this.#functions.delete(name);
    this.#endpoints.delete(name);
    entry.log.close();
    return true;
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#change.then(change, change);
    this.#change = done;
    return done;
  }

  #throwIfClosed(): void {
    if (!this.#closed) return;
    throw new Problem("draining", "The fake platform is closed.", { retryAfterS: 1 });
  }

  async list({ after, limit }: { after?: string | undefined; limit: number }) {
    const names = [...this.#functions.keys()].sort().filter((name) => after === undefined || name > after);
    return names.slice(0, limit).map((name) => this.#describe(name, this.#functions.get(name)!));
  }

  async describe(name: string): Promise<FunctionDescription | undefined> {
    const entry = this.#functions.get(name);
    return entry && this.#describe(name, entry);
  }

  #describe(name: string, { versions, instances, createdAt }: FakeFunction): FunctionDescription {
    const { version, hash, settings, createdAt: updatedAt } = versions.at(-1)!;
    return {
      name,
      version,
      hash,
      settings,
      createdAt,
      updatedAt,
      ready: instances.length,
      versions: versions.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
      instances: instances.map(({ id }) => ({ id, version, state: "ready", startedAt: updatedAt })),
      lastErrors: [],
    };
  }

  async read(name: string, version?: number): Promise<Version | undefined> {
    const versions = this.#functions.get(name)?.versions;
    return version === undefined ? versions?.at(-1) : versions?.find((each) => each.version === version);
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

  wake(name: string): Promise<readonly WakeStep[]> {
    const running = this.#waking.get(name);
    if (running) return running;
    const wake = this.#wake(name).finally(() => this.#waking.delete(name));
    this.#waking.set(name, wake);
    return wake;
  }

  async #wake(name: string): Promise<readonly WakeStep[]> {
    this.#throwIfClosed();
    const entry = this.#functions.get(name);
    if (!entry) throw new Problem("unknown_function", `There is no function "${name}".`);
    if (entry.instances.length > 0) return [];
    this.setInstances(name, [await this.#start(entry.versions.at(-1)!)]);
    return this.#wakeSteps;
  }

  report(load: Load): void {
    this.loads.push(load);
  }

  async *logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    const entry = this.#functions.get(name);
    if (!entry) throw new Problem("unknown_function", `There is no function "${name}".`);
    yield* entry.log.read(options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const name of [...this.#functions.keys()]) this.#remove(name);
  }
}
