import { DECLARATION_KINDS, type DeclarationKinds } from "../declarations.ts";
import type { AllowedImages } from "../images/allowed-images.ts";
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
import { Problem } from "../problems.ts";
import type { KubeApi } from "./cluster/api.ts";
import { clusterProblem } from "./cluster/api-error.ts";
import type { MirrorTimes } from "./cluster/mirror.ts";
import type { FunctionResource } from "./cluster/resources.ts";
import type { ClusterCommands, CommandOwner } from "./commands/cluster-commands.ts";
import { ClusterDeclarations } from "./declarations.ts";
import { FunctionReader } from "./descriptions/function-reader.ts";
import { PodMemory } from "./descriptions/pod-memory.ts";
import { EndpointsMirror } from "./endpoints/endpoints-mirror.ts";
import { LoadTable } from "./endpoints/load-table.ts";
import type { ClusterImages } from "./images/cluster-images.ts";
import { createImageServices } from "./images/image-services.ts";
import { liveLogs } from "./logs/live-logs.ts";
import { Children } from "./objects/children.ts";
import { functionPlace, keptVersions } from "./objects/function-resource.ts";
import { FUNCTIONS_NAMESPACE } from "./objects/names.ts";
import { CPU_REQUEST } from "./objects/pod-parts.ts";
import { Pool, type PoolOptions } from "./pool/pool.ts";
import { poolKeys } from "./pool/pool-keys.ts";
import { Pinning } from "./publishing/pinning.ts";
import { PublishTurns } from "./publishing/publish-turns.ts";
import { Removals } from "./publishing/removals.ts";
import { Routing } from "./publishing/routing.ts";
import { Storing } from "./publishing/storing.ts";
import { ClusterSecrets } from "./secrets.ts";
import { Starter } from "./starting/starter.ts";
import { Waker } from "./starting/waker.ts";
import { VersionStore } from "./versions/version-store.ts";

export interface KubernetesPlatformOptions {
  readonly api: KubeApi;
  readonly limits: Limits;
  /** Name of the client image. */
  readonly image: string;
  /** The image of programs; by default the client image. */
  readonly programImage?: string | undefined;
  readonly namespace?: string;
  /** Kinds of declarations; default DECLARATION_KINDS. */
  readonly kinds?: DeclarationKinds;
  /** CPU request of a pod, as a quantity; default 50m. The autoscaler's 75 % are of it. */
  readonly cpuRequest?: string;
  /** Prints one line about a failure for people. */
  readonly print?: (line: string) => void;
  /** Waits until every router applies the traffic; by default only this program's endpoints count. */
  readonly spread?: (name: string, traffic: Traffic) => Promise<void>;
  /** Waits until no router has a removed function any more. */
  readonly forgotten?: (name: string) => Promise<void>;
  readonly times?: MirrorTimes;
  /** Secret of the installation that seals the loads of pods. Without it the pool is off. */
  readonly poolSecret?: string;
  /** The images that functions may use; none by default. */
  readonly allowedImages?: AllowedImages | undefined;
  /** Who runs commands here; by default a name of its own. */
  readonly commandOwner?: CommandOwner | undefined;
  /** For tests without pods: sends a pod of the pool its function. */
  readonly sendToPod?: PoolOptions["send"];
}

/** Runs functions as Deployments of a cluster. Manager and router each have one; `control/` has the leader's work. */
export class KubernetesPlatform implements Platform {
  readonly abilities = { scalesOut: false, scalesToZero: true, runsCode: true, durable: true };
  readonly declarations: ClusterDeclarations;
  readonly secrets: ClusterSecrets;
  readonly images: ClusterImages;
  readonly commands: ClusterCommands;
  readonly loads = new LoadTable();
  readonly mirror: EndpointsMirror;
  readonly versions: VersionStore;
  readonly children: Children;
  /** Undefined without a pool secret. */
  readonly pool: Pool | undefined;
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #turns: PublishTurns;
  readonly #starter: Starter;
  readonly #storing: Storing;
  readonly #routing: Routing;
  readonly #pinning: Pinning;
  readonly #removals: Removals;
  readonly #reader: FunctionReader;
  readonly #memory: PodMemory;
  readonly #waker: Waker;
  readonly #closing = new AbortController();
  readonly #functionListeners = new Set<(name: string) => void>();
  /** Changes under way. */
  readonly #changes = new Set<Promise<unknown>>();

  constructor(options: KubernetesPlatformOptions) {
    const { api, limits, image, namespace = FUNCTIONS_NAMESPACE, print = () => {}, times } = options;
    const { kinds = DECLARATION_KINDS, cpuRequest = CPU_REQUEST, poolSecret, sendToPod: send } = options;
    const { spread, forgotten, programImage, commandOwner: owner, allowedImages } = options;
    this.#api = api;
    this.#namespace = namespace;
    this.mirror = new EndpointsMirror({
      api,
      namespace,
      limits,
      onFunction: (name, resource) => {
        const kept = resource ? keptVersions(resource, limits).map(({ version }) => version) : [];
        this.loads.retain(name, kept);
        for (const listener of this.#functionListeners) listener(name);
      },
      onTrouble: (reason) => print(`the cluster cannot be watched: ${reason}`),
      times,
    });
    const closing = this.#closing.signal;
    this.declarations = new ClusterDeclarations({ api, namespace, kinds, limits, closing, print, times });
    const users = async () => {
      await this.mirror.synced;
      return this.mirror.secrets();
    };
    this.secrets = new ClusterSecrets({ api, namespace, users, closing });
    const clustered = { api, namespace, limits, cpuRequest, closing, print, times };
    const services = createImageServices({ ...clustered, secrets: this.secrets, owner, allowedImages });
    this.images = services.images;
    this.commands = services.commands;
    this.versions = new VersionStore(api, namespace);
    this.children = new Children({ api, namespace, image, programImage, limits, cpuRequest });
    const { children, versions, mirror: endpoints } = this;
    if (poolSecret !== undefined) {
      const keys = poolKeys(poolSecret).ours;
      this.pool = new Pool({ api, namespace, limits, keys, endpoints, print, send, times });
    }
    const { pool } = this;
    const shared = { api, namespace, limits, endpoints, children, versions, pool, onTrouble: print };
    this.#turns = new PublishTurns(shared);
    this.#starter = new Starter(shared);
    const publishing = { ...shared, turns: this.#turns, starter: this.#starter };
    this.#storing = new Storing({ ...publishing, ...services });
    this.#routing = new Routing({ ...publishing, spread });
    this.#pinning = new Pinning(publishing);
    this.#removals = new Removals({ ...shared, forgotten });
    this.#memory = new PodMemory({ api, namespace, print });
    this.#reader = new FunctionReader({ ...shared, memory: this.#memory, times });
    this.#waker = new Waker(shared);
  }

  /** Resolves when the endpoints match the cluster. */
  get synced(): Promise<void> {
    return this.mirror.synced;
  }

  store(draft: Draft, signal?: AbortSignal): Promise<Stored> {
    return this.#change((until) => this.#storing.store(draft, until), signal);
  }

  route(name: string, traffic: Traffic, signal?: AbortSignal, rules: RouteRules = {}): Promise<void> {
    return this.#change((until) => this.#routing.route(name, { traffic, rules }, until), signal);
  }

  pin(name: string, version: number, isPinned: boolean): Promise<void> {
    return this.#change((until) => this.#pinning.pin(name, { version, isPinned }, until));
  }

  remove(name: string, expected?: Precondition): Promise<boolean> {
    const remove = () => this.#removals.remove(name, expected);
    return this.#change((until) => this.#turns.inLine(name, remove, until));
  }

  list(page: Omit<Page, "names">): Promise<FunctionSummary[]> {
    return this.#read(this.#reader.list(page));
  }

  describePage(page: Page): Promise<(FunctionDescription | FunctionSummary)[]> {
    return this.#read(this.#reader.describePage(page));
  }

  describe(name: string): Promise<FunctionDescription | undefined> {
    return this.#read(this.#reader.describe(name));
  }

  find(name: string, version?: number): Promise<VersionRecord | undefined> {
    return this.#read(this.#reader.find(name, version));
  }

  listVersions(name: string): Promise<readonly VersionRecord[] | undefined> {
    return this.#read(this.#reader.listVersions(name));
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

  /** Returns the memory of instances by their id, in MiB; undefined where the cluster does not measure it. */
  async memoryById(): Promise<ReadonlyMap<string, number> | undefined> {
    const byName = await this.#memory.read();
    if (byName === undefined) return undefined;
    const known = [...this.mirror.podNames()].flatMap(([id, name]): [string, number][] => {
      const memoryMiB = byName.get(name);
      return memoryMiB === undefined ? [] : [[id, memoryMiB]];
    });
    return new Map(known);
  }

  watch(listener: EndpointsListener): () => void {
    return this.mirror.watch(listener);
  }

  /** Calls `listener` after every change of a Function. Returns a function that stops the watch. */
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
      if (this.mirror.kept(name, version) === undefined) {
        const kept = this.mirror.get(name)?.versions.map((each) => each.version) ?? [];
        this.loads.retain(name, kept);
      }
    }
  }

  report(load: Load): void {
    const { name, version } = load;
    const kept = this.mirror.kept(name, version);
    if (kept === undefined) return;
    this.loads.report(load, kept.isolation === "call");
    if (load.waiting === 0 || this.mirror.ready(name, version).length > 0) return;
    // The waiting call also calls `wake`, joins this waking, and gets its error.
    this.wake(name, version).catch(() => {});
  }

  async *logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    try {
      yield* this.#logs(name, options);
    } catch (error) {
      // Closing ends the log without an error.
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async *#logs(name: string, options: LogOptions): AsyncIterable<LogLine> {
    const removed = new AbortController();
    const ends = [this.#closing.signal, removed.signal, ...(options.signal ? [options.signal] : [])];
    const until = AbortSignal.any(ends);
    const place = functionPlace(this.#namespace, name);
    const resource = await this.#read(this.#api.get<FunctionResource>(place, { signal: until }));
    if (!resource) throw new Problem("unknown_function", `There is no function "${name}".`);
    const unwatch = this.watchFunctions((changed) => {
      const now = changed === name ? this.mirror.functions.get(name) : resource;
      if (now?.metadata.uid !== resource.metadata.uid) removed.abort();
    });
    try {
      yield* liveLogs(name, { ...options, signal: until }, { api: this.#api, namespace: this.#namespace });
    } catch (error) {
      if (!until.aborted) throw clusterProblem(error);
    } finally {
      unwatch();
    }
  }

  /** Closes the connections to the cluster. Functions keep running. */
  async close(): Promise<void> {
    const detail = "Skiff is shutting down: try again in a moment.";
    this.#closing.abort(new Problem("draining", detail, { retryAfterS: 1 }));
    await this.#waker.close();
    await this.pool?.close();
    await Promise.all([this.images.close(), this.commands.close()]);
    // A change under way is undone, which needs the API server.
    await Promise.allSettled(this.#changes);
    await this.#turns.close();
    await this.#removals.close();
    await this.#starter.close();
    await this.declarations.close();
    await this.#reader.close();
    await this.mirror.close();
    await this.#api.close();
  }

  async #change<T>(work: (until: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const closing = this.#closing.signal;
    closing.throwIfAborted();
    const until = signal ? AbortSignal.any([signal, closing]) : closing;
    const change = work(until).catch((error: unknown) => {
      throw clusterProblem(error);
    });
    this.#changes.add(change);
    try {
      return await change;
    } finally {
      this.#changes.delete(change);
    }
  }

  /** Failures become Problems; `close` aborts with `draining`. */
  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      this.#closing.signal.throwIfAborted();
      throw clusterProblem(error);
    }
  }
}
