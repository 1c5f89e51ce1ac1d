import type { Limits } from "../limits.ts";
import type {
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
  Traffic,
  VersionRecord,
  WakeStep,
} from "../platform.ts";
import { Problem } from "../problems.ts";
import { currentOf, currentVersion } from "../traffic.ts";
import type { KubeApi } from "./cluster/api.ts";
import { clusterProblem } from "./cluster/api-error.ts";
import type { MirrorTimes } from "./cluster/mirror.ts";
import { type FunctionResource, KINDS, type Place, type Pod } from "./cluster/resources.ts";
import { type Described, describeFunction, summarize } from "./description.ts";
import { EndpointsMirror } from "./endpoints/endpoints-mirror.ts";
import { LoadTable } from "./endpoints/load-table.ts";
import { Children } from "./objects/children.ts";
import { FUNCTIONS_NAMESPACE, LABELS } from "./objects/names.ts";
import { CPU_REQUEST } from "./objects/pod-template.ts";
import { podLogs } from "./pod-logs.ts";
import { BundleCache } from "./pool/bundle-cache.ts";
import { Pool, type PoolOptions } from "./pool/pool.ts";
import { poolKeys } from "./pool/pool-keys.ts";
import { PoolSupply } from "./pool/pool-supply.ts";
import { Publisher } from "./publishing/publisher.ts";
import { removeFunction } from "./publishing/removal.ts";
import { VersionStore } from "./versions/version-store.ts";
import type { WholeDraft } from "./versions/versions.ts";
import { Waker } from "./waking/waker.ts";

export interface KubernetesPlatformOptions {
  readonly api: KubeApi;
  readonly limits: Limits;
  /** The client image, as the nodes know it. */
  readonly image: string;
  readonly namespace?: string;
  /** CPU that a pod asks for, as a quantity; default 50m. The autoscaler's 75 % are of it. */
  readonly cpuRequest?: string;
  /** Takes one line for people: what is wrong with the connection to the cluster. */
  readonly print?: (line: string) => void;
  /** Waits until every router knows of a version; without it the own snapshot decides. */
  readonly spread?: (name: string, version: number) => Promise<void>;
  readonly times?: MirrorTimes;
  /** The secret of the installation that pods of the pool are loaded with; without it the pool is not used. */
  readonly poolSecret?: string;
  /** For tests whose pods are none: how a pod of the pool is given its function. */
  readonly sendToPod?: PoolOptions["send"];
}

const SEEN_WITHIN_MS = 5_000;

/** Functions as Deployments of a cluster. Manager and router each have one; what leads is in reconciler.ts. */
export class KubernetesPlatform implements Platform {
  readonly abilities = { scalesOut: false, scalesToZero: true, runsCode: true, durable: true };
  readonly loads = new LoadTable();
  readonly mirror: EndpointsMirror;
  readonly versions: VersionStore;
  readonly children: Children;
  readonly publisher: Publisher;
  /** Undefined where the pool is not used. */
  readonly pool: Pool | undefined;
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #waker: Waker;
  readonly #closing = new AbortController();
  readonly #functionListeners = new Set<(name: string) => void>();
  /** The last change of each function that is under way. */
  readonly #changes = new Map<string, Promise<unknown>>();

  constructor(options: KubernetesPlatformOptions) {
    const { api, limits, image, namespace = FUNCTIONS_NAMESPACE, print = () => {}, spread, times } = options;
    this.#api = api;
    this.#namespace = namespace;
    this.mirror = new EndpointsMirror({
      api,
      namespace,
      limits,
      onFunction: (name, resource) => {
        if (!resource) this.loads.forget(name);
        for (const listener of this.#functionListeners) listener(name);
      },
      onTrouble: (reason) => print(`the cluster cannot be watched: ${reason}`),
      ...(times ? { times } : {}),
    });
    this.versions = new VersionStore(api, namespace);
    const { cpuRequest = CPU_REQUEST } = options;
    this.children = new Children({ api, namespace, image, limits, cpuRequest });
    const pool = options.poolSecret === undefined ? undefined : this.#openPool(options.poolSecret, options);
    this.pool = pool;
    const supply = pool && new PoolSupply({ pool, limits, bundles: new BundleCache(api, namespace) });
    const shared = {
      api,
      namespace,
      limits,
      endpoints: this.mirror,
      children: this.children,
      ...(supply ? { supply } : {}),
    };
    const onTrouble = (reason: string) => print(reason);
    this.publisher = new Publisher({
      ...shared,
      store: this.versions,
      onTrouble,
      ...(spread ? { spread } : {}),
    });
    this.#waker = new Waker(shared);
  }

  /** Resolves when the snapshot holds what the cluster has. */
  get synced(): Promise<void> {
    return this.mirror.synced;
  }

  #openPool(
    secret: string,
    { api, limits, print = () => {}, sendToPod, times }: KubernetesPlatformOptions,
  ): Pool {
    return new Pool({
      api,
      limits,
      print,
      namespace: this.#namespace,
      keys: poolKeys(secret).ours,
      endpoints: this.mirror,
      ...(sendToPod ? { send: sendToPod } : {}),
      ...(times ? { times } : {}),
    });
  }

  store(draft: Draft, signal?: AbortSignal): Promise<Stored> {
    const until = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const publish = async () => this.publisher.publish(await this.#whole(draft), until);
    return this.#inOrder(draft.name, publish);
  }

  async route(name: string, traffic: Traffic): Promise<void> {
    const resource = this.mirror.functions.get(name);
    if (!resource) throw new Problem("unknown_function", `There is no function "${name}".`);
    const version = currentVersion(traffic);
    if (resource.spec.version === version) return;
    throw new Problem("unknown_version", `"${name}" has no version ${version} that takes calls.`);
  }

  async #whole({ content, ...draft }: Draft): Promise<WholeDraft> {
    if (!("sameAs" in content)) return { ...draft, ...content };
    const { name } = draft;
    const record = (await this.versions.records(name)).find(({ version }) => version === content.sameAs);
    const source = record && (await this.versions.readSource(record));
    const bundle = record && (await this.versions.readBundle(record));
    if (source && bundle) return { ...draft, source, bundle };
    throw new Problem("unknown_version", `"${name}" has no version ${content.sameAs}.`);
  }

  remove(name: string): Promise<boolean> {
    return this.#inOrder(name, () => this.#remove(name));
  }

  list({ after = "", limit }: { after?: string | undefined; limit: number }): Promise<FunctionSummary[]> {
    return fromCluster(async () => {
      const { items } = await this.#api.list<FunctionResource>(this.#functions());
      const named = items.filter(({ metadata }) => metadata.name > after && isThere({ metadata }));
      const sorted = named.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).slice(0, limit);
      return await Promise.all(sorted.map(async (resource) => summarize(await this.#described(resource))));
    });
  }

  describe(name: string): Promise<FunctionDescription | undefined> {
    return fromCluster(async () => {
      const resource = await this.#api.get<FunctionResource>(this.#functions(name));
      if (!resource || !isThere(resource)) return undefined;
      const { items: pods } = await this.#api.list<Pod>(
        { kind: KINDS.pods, namespace: this.#namespace },
        `${LABELS.function}=${name}`,
      );
      return describeFunction(await this.#described(resource), pods);
    });
  }

  find(name: string, version?: number): Promise<VersionRecord | undefined> {
    return fromCluster(() => this.#find(name, version));
  }

  readSource(name: string, version?: number): Promise<Source | undefined> {
    return fromCluster(async () => {
      const record = await this.#find(name, version);
      return record && (await this.versions.readSource(record));
    });
  }

  async #find(name: string, version?: number) {
    const resource = await this.#api.get<FunctionResource>(this.#functions(name));
    if (!resource || !isThere(resource)) return undefined;
    const number = version ?? resource.status?.version;
    return (await this.versions.records(name)).find((each) => each.version === number);
  }

  endpoints(name: string): Endpoints | undefined {
    return this.mirror.get(name);
  }

  allEndpoints(): Iterable<Endpoints> {
    return this.mirror.all();
  }

  watch(listener: EndpointsListener): () => void {
    return this.mirror.watch(listener);
  }

  /** Calls `listener` after every change of a Function itself. Returns the way to stop. */
  watchFunctions(listener: (name: string) => void): () => void {
    this.#functionListeners.add(listener);
    return () => this.#functionListeners.delete(listener);
  }

  async wake(name: string, _version: number): Promise<readonly WakeStep[]> {
    this.#closing.signal.throwIfAborted();
    const done = this.loads.wakes(name);
    try {
      return await this.#waker.wake(name, this.loads.calls(name));
    } finally {
      done();
      if (this.mirror.functions.get(name) === undefined) this.loads.forget(name);
    }
  }

  report(load: Load): void {
    if (this.mirror.functions.get(load.name) === undefined) return;
    this.loads.report(load);
    if (load.waiting === 0 || currentOf(this.endpoints(load.name))?.instances.length !== 0) return;
    // Who waits calls `wake` as well, joins this one, and is told how it ended.
    this.wake(load.name, load.version).catch(() => {});
  }

  async *logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    try {
      yield* this.#logs(name, options);
    } catch (error) {
      // Whoever closes wants what is read to end, not to fail.
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async *#logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    const removed = new AbortController();
    const ends = [this.#closing.signal, removed.signal, ...(options.signal ? [options.signal] : [])];
    const until = AbortSignal.any(ends);
    const resource = await fromCluster(() =>
      this.#api.get<FunctionResource>(this.#functions(name), { signal: until }),
    );
    if (!resource) throw new Problem("unknown_function", `There is no function "${name}".`);
    const unwatch = this.watchFunctions((changed) => {
      const now = changed === name ? this.mirror.functions.get(name) : resource;
      if (now?.metadata.uid !== resource.metadata.uid) removed.abort();
    });
    try {
      yield* podLogs(name, { ...options, signal: until }, { api: this.#api, namespace: this.#namespace });
    } catch (error) {
      if (!until.aborted) throw clusterProblem(error);
    } finally {
      unwatch();
    }
  }

  /** Lets go of the cluster. Functions go on running: they are the cluster's. */
  async close(): Promise<void> {
    this.#closing.abort(draining());
    await this.#waker.close();
    await this.pool?.close();
    // What was under way is taken back, for which the API server is needed.
    await Promise.allSettled(this.#changes.values());
    await this.publisher.close();
    await this.mirror.close();
    await this.#api.close();
  }

  /** Changes of one function happen in the order in which they were asked for. */
  async #inOrder<T>(name: string, change: () => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted();
    const before = this.#changes.get(name) ?? Promise.resolve();
    const done = before.then(change, change);
    this.#changes.set(name, done);
    try {
      return await fromCluster(() => done);
    } finally {
      if (this.#changes.get(name) === done) this.#changes.delete(name);
    }
  }

  async #remove(name: string): Promise<boolean> {
    const { signal } = this.#closing;
    const removed = await removeFunction(name, { api: this.#api, namespace: this.#namespace, signal });
    // Whoever reads the endpoints next must not find it.
    const gone = Promise.withResolvers<void>();
    const unwatch = this.watchFunctions(() => this.mirror.functions.get(name) ?? gone.resolve());
    const late = setTimeout(gone.resolve, SEEN_WITHIN_MS);
    if (this.mirror.functions.get(name)) await gone.promise;
    clearTimeout(late);
    unwatch();
    return removed;
  }

  async #described(resource: FunctionResource): Promise<Described> {
    const { name } = resource.metadata;
    return { resource, records: await this.versions.records(name), endpoints: this.mirror.get(name) };
  }

  #functions(name?: string): Place {
    const place = { kind: KINDS.functions, namespace: this.#namespace };
    return name === undefined ? place : { ...place, name };
  }
}

function draining(): Problem {
  return new Problem("draining", "Skiff is shutting down: try again in a moment.", { retryAfterS: 1 });
}

/** A Function is there for users from its first version until it is being deleted. */
function isThere({ metadata, status }: Pick<FunctionResource, "metadata" | "status">): boolean {
  return metadata.deletionTimestamp === undefined && (status === undefined || status.version !== undefined);
}

async function fromCluster<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw clusterProblem(error);
  }
}
