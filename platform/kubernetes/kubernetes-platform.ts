import { DECLARATION_KINDS, type DeclarationKinds } from "../declarations.ts";
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
import type { KubeApi } from "./cluster/api.ts";
import { clusterProblem } from "./cluster/api-error.ts";
import type { MirrorTimes } from "./cluster/mirror.ts";
import type { FunctionResource } from "./cluster/resources.ts";
import { ClusterDeclarations } from "./declarations.ts";
import { EndpointsMirror } from "./endpoints/endpoints-mirror.ts";
import { LoadTable } from "./endpoints/load-table.ts";
import { FunctionReader, fromCluster } from "./function-reader.ts";
import { Children } from "./objects/children.ts";
import { keptVersions } from "./objects/function-resource.ts";
import { FUNCTIONS_NAMESPACE } from "./objects/names.ts";
import { CPU_REQUEST } from "./objects/pod-template.ts";
import { podLogs } from "./pod-logs.ts";
import { BundleCache } from "./pool/bundle-cache.ts";
import { Pool, type PoolOptions } from "./pool/pool.ts";
import { poolKeys } from "./pool/pool-keys.ts";
import { PoolSupply } from "./pool/pool-supply.ts";
import { functionPlace, PublishTurns } from "./publishing/publish-turns.ts";
import { removeFunction } from "./publishing/removal.ts";
import { Routing } from "./publishing/routing.ts";
import { Storing } from "./publishing/storing.ts";
import { Starter } from "./starting/starter.ts";
import { Waker } from "./starting/waker.ts";
import { VersionStore } from "./versions/version-store.ts";

export interface KubernetesPlatformOptions {
  readonly api: KubeApi;
  readonly limits: Limits;
  /** The client image, as the nodes know it. */
  readonly image: string;
  readonly namespace?: string;
  /** Kinds of declarations; DECLARATION_KINDS by default. */
  readonly kinds?: DeclarationKinds;
  /** CPU that a pod asks for, as a quantity; default 50m. The autoscaler's 75 % are of it. */
  readonly cpuRequest?: string;
  /** Takes one line for people: what is wrong with the connection to the cluster. */
  readonly print?: (line: string) => void;
  /** Waits until every router obeys the traffic; without it the own snapshot decides. */
  readonly spread?: (name: string, traffic: Traffic) => Promise<void>;
  readonly times?: MirrorTimes;
  /** The secret of the installation that pods of the pool are loaded with; without it the pool is not used. */
  readonly poolSecret?: string;
  /** For tests whose pods are none: how a pod of the pool is given its function. */
  readonly sendToPod?: PoolOptions["send"];
}

/** Functions as Deployments of a cluster. Manager and router each have one; the leader's work is in control/. */
export class KubernetesPlatform implements Platform {
  readonly abilities = { scalesOut: false, scalesToZero: true, runsCode: true, durable: true };
  readonly declarations: ClusterDeclarations;
  readonly loads = new LoadTable();
  readonly mirror: EndpointsMirror;
  readonly versions: VersionStore;
  readonly children: Children;
  /** Undefined where the pool is not used. */
  readonly pool: Pool | undefined;
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #turns: PublishTurns;
  readonly #starter: Starter;
  readonly #storing: Storing;
  readonly #routing: Routing;
  readonly #reader: FunctionReader;
  readonly #waker: Waker;
  readonly #closing = new AbortController();
  readonly #functionListeners = new Set<(name: string) => void>();
  /** Changes that are under way. */
  readonly #changes = new Set<Promise<unknown>>();

  constructor(options: KubernetesPlatformOptions) {
    const { api, limits, image, namespace = FUNCTIONS_NAMESPACE, print = () => {}, spread, times } = options;
    this.#api = api;
    this.#namespace = namespace;
    this.mirror = new EndpointsMirror({
      api,
      namespace,
      limits,
      onFunction: (name, resource) => {
        const kept = resource ? keptVersions(resource, limits) : [];
        this.loads.retain(
          name,
          kept.map(({ version }) => version),
        );
        for (const listener of this.#functionListeners) listener(name);
      },
      onTrouble: (reason) => print(`the cluster cannot be watched: ${reason}`),
      ...(times ? { times } : {}),
    });
    const { kinds = DECLARATION_KINDS } = options;
    const closing = this.#closing.signal;
    this.declarations = new ClusterDeclarations({ api, namespace, kinds, limits, closing, print, times });
    this.versions = new VersionStore(api, namespace);
    const { cpuRequest = CPU_REQUEST } = options;
    this.children = new Children({ api, namespace, image, limits, cpuRequest });
    const pool = options.poolSecret === undefined ? undefined : this.#openPool(options.poolSecret, options);
    this.pool = pool;
    const shared = {
      api,
      namespace,
      limits,
      endpoints: this.mirror,
      children: this.children,
      versions: this.versions,
      onTrouble: print,
      ...(pool ? { supply: new PoolSupply(pool, new BundleCache(api, namespace)) } : {}),
    };
    this.#turns = new PublishTurns(shared);
    this.#starter = new Starter(shared);
    const publishing = { ...shared, turns: this.#turns, starter: this.#starter };
    this.#storing = new Storing(publishing);
    this.#routing = new Routing({ ...publishing, ...(spread ? { spread } : {}) });
    this.#reader = new FunctionReader(shared);
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
    return this.#change((until) => this.#storing.store(draft, until), signal);
  }

  route(name: string, traffic: Traffic, signal?: AbortSignal): Promise<void> {
    return this.#change((until) => this.#routing.route(name, traffic, until), signal);
  }

  remove(name: string): Promise<boolean> {
    return this.#change((until) => this.#turns.inLine(name, () => this.#remove(name), until));
  }

  list(page: { after?: string | undefined; limit: number }): Promise<FunctionSummary[]> {
    return this.#read(this.#reader.list(page));
  }

  describe(name: string): Promise<FunctionDescription | undefined> {
    return this.#read(this.#reader.describe(name));
  }

  find(name: string, version?: number): Promise<VersionRecord | undefined> {
    return this.#read(this.#reader.find(name, version));
  }

  readSource(name: string, version?: number): Promise<Source | undefined> {
    return this.#read(this.#reader.readSource(name, version));
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

  async wake(name: string, version: number): Promise<readonly WakeStep[]> {
    this.#closing.signal.throwIfAborted();
    const done = this.loads.wakes(name, version);
    try {
      return await this.#waker.wake({ name, version, calls: this.loads.calls(name, version) });
    } finally {
      done();
      if (this.mirror.kept(name, version) === undefined) this.loads.retain(name, this.#keptOf(name));
    }
  }

  report(load: Load): void {
    const { name, version } = load;
    if (this.mirror.kept(name, version) === undefined) return;
    this.loads.report(load);
    if (load.waiting === 0 || this.mirror.ready(name, version).length > 0) return;
    // The call that waits calls `wake` as well, joins this one, and gets its error.
    this.wake(name, version).catch(() => {});
  }

  async *logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    try {
      yield* this.#logs(name, options);
    } catch (error) {
      // Closing ends what is read, without an error.
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async *#logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    const removed = new AbortController();
    const ends = [this.#closing.signal, removed.signal, ...(options.signal ? [options.signal] : [])];
    const until = AbortSignal.any(ends);
    const place = functionPlace(this.#namespace, name);
    const resource = await fromCluster(() => this.#api.get<FunctionResource>(place, { signal: until }));
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

  /** Releases the cluster. Functions go on running: they are the cluster's. */
  async close(): Promise<void> {
    this.#closing.abort(draining());
    await this.#waker.close();
    await this.pool?.close();
    // A change under way is undone, for which the API server is needed.
    await Promise.allSettled(this.#changes);
    await this.#turns.close();
    await this.#starter.close();
    await this.declarations.close();
    await this.mirror.close();
    await this.#api.close();
  }

  async #change<T>(work: (until: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const closing = this.#closing.signal;
    closing.throwIfAborted();
    const change = fromCluster(() => work(signal ? AbortSignal.any([signal, closing]) : closing));
    this.#changes.add(change);
    try {
      return await change;
    } finally {
      this.#changes.delete(change);
    }
  }

  /** `close` breaks the connection off. */
  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      this.#closing.signal.throwIfAborted();
      throw error;
    }
  }

  async #remove(name: string): Promise<boolean> {
    const { signal } = this.#closing;
    const removed = await removeFunction(name, { api: this.#api, namespace: this.#namespace, signal });
    // A caller that reads the endpoints next must not find it.
    await this.mirror.seen(name, () => this.mirror.functions.get(name) === undefined);
    return removed;
  }

  #keptOf(name: string): number[] {
    return this.mirror.get(name)?.versions.map(({ version }) => version) ?? [];
  }
}

function draining(): Problem {
  return new Problem("draining", "Skiff is shutting down: try again in a moment.", { retryAfterS: 1 });
}
