import type { Endpoints } from "../../platform/platform.ts";
import { type Address, type Front, type FrontOptions, listen } from "../front.ts";
import type { MetricsSource } from "../metrics/metrics.ts";
import { ConnectionSpread } from "./connection-spread.ts";
import { EndpointChanges } from "./endpoint-changes.ts";
import { ManagementSocket } from "./management-socket.ts";
import { MergedLoads } from "./merged-loads.ts";
import type { FromWorker } from "./worker-messages.ts";
import { sendError } from "./worker-messages.ts";
import { Restarts, type WorkerOwner, WorkerProcess, type WorkerStats } from "./worker-process.ts";
import { EndedStats } from "./worker-stats.ts";

export interface WorkersOptions extends FrontOptions {
  /** How many: 2 or more. */
  readonly workers: number;
  /** For the socket on which workers pass on what is no call; needed where `other` is given. */
  readonly folder?: string;
}

const LOOK_EVERY_MS = 1_000;
/** Time that a worker has to end when it is told to, and what it may take longer than the time of draining. */
const END_MS = 2_000;

/**
 * A front whose routers are processes, so that calls are answered by several cores. This process accepts connections
 * and hands them on; keeps the copies of the endpoints up to date; adds up load and counters; and
 * starts anew what ended. No call passes through it.
 */
export class Workers implements Front, WorkerOwner {
  readonly counted: MetricsSource = {
    stats: async () => this.#ended.functionsWith(await this.#count()),
    totals: async () => this.#ended.totalsWith(await this.#count()),
    processes: () => [...this.#workers].map(({ place, stats }) => [String(place), stats.process] as const),
  };
  readonly #options: WorkersOptions;
  readonly #loads: MergedLoads;
  readonly #spread = new ConnectionSpread(() => this.#workers);
  readonly #management: ManagementSocket | undefined;
  readonly #ended = new EndedStats();
  readonly #workers = new Set<WorkerProcess>();
  readonly #restarts: readonly Restarts[];
  readonly #starts = new Set<NodeJS.Timeout>();
  readonly #stopWatching: () => void;
  readonly #looking: NodeJS.Timeout;
  readonly #changes = new EndpointChanges((change) => this.#isApplied(change));
  #numbers = 0;
  #state: "starting" | "ready" | "leaving" | "draining" | "closed" = "starting";
  /** While they start for the first time: what becomes of it, told once for each. */
  #started: (error?: Error) => void = () => {};
  #drained: (worker: WorkerProcess) => void = () => {};
  readonly #killAll = () => {
    for (const worker of this.#workers) worker.kill("the primary ended");
  };

  constructor(options: WorkersOptions) {
    const { platform, limits, workers, other, folder } = options;
    this.#options = options;
    this.#loads = new MergedLoads((load) => platform.report(load));
    this.#stopWatching = platform.watch((name, endpoints) => this.#endpointsChanged(name, endpoints));
    if (other !== undefined && folder !== undefined) {
      this.#management = new ManagementSocket({ folder, limits, handler: other });
    }
    this.#restarts = Array.from({ length: workers }, () => new Restarts());
    this.#looking = setInterval(() => {
      for (const worker of this.#workers) worker.look();
    }, LOOK_EVERY_MS);
    process.once("exit", this.#killAll);
  }

  /** Processes of the workers that run. */
  get pids(): number[] {
    return [...this.#workers].flatMap(({ pid }) => pid ?? []);
  }

  /** Resolves when all workers take calls. @throws Error also when a worker does not start */
  async listen(address: Address): Promise<number> {
    const { print } = this.#options;
    await this.#management?.listen();
    const port = await listen(this.#spread.server, address, print);
    let missing = this.#options.workers;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#started = (error) => {
      if (error !== undefined) reject(error);
      else if (--missing === 0) resolve();
    };
    for (let place = 1; place <= this.#options.workers; place++) this.#start(place);
    try {
      await promise;
    } catch (error) {
      await this.close({ withinMs: 0 });
      throw error;
    }
    this.#state = "ready";
    return port;
  }

  caughtUp(): Promise<void> {
    return this.#changes.caughtUp();
  }

  hasCaughtUp(name: string): boolean {
    return this.#changes.hasCaughtUp(name);
  }

  leave(): void {
    this.#state = "leaving";
    for (const worker of this.#workers) worker.send({ type: "state", state: "leaving" });
  }

  async drain({ drainMs }: { drainMs: number }): Promise<void> {
    this.#state = "draining";
    for (const timer of this.#starts) clearTimeout(timer);
    const behind = new Set(this.#workers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = (worker) => {
      behind.delete(worker);
      if (behind.size === 0) resolve();
    };
    for (const worker of behind) worker.send({ type: "state", state: "draining", drainMs });
    const timer = setTimeout(resolve, behind.size === 0 ? 0 : drainMs + END_MS);
    await promise;
    clearTimeout(timer);
  }

  async close({ withinMs }: { withinMs: number }): Promise<void> {
    this.#state = "closed";
    this.#stopWatching();
    clearInterval(this.#looking);
    for (const timer of this.#starts) clearTimeout(timer);
    this.#changes.close();
    const workers = [...this.#workers];
    for (const worker of workers) worker.send({ type: "end", withinMs });
    const timer = setTimeout(this.#killAll, withinMs + END_MS);
    await Promise.all(workers.map(({ exited }) => exited));
    clearTimeout(timer);
    this.#spread.close();
    await this.#management?.close();
    process.off("exit", this.#killAll);
  }

  heard(worker: WorkerProcess, message: FromWorker): void {
    // What one said last may come after its end, when everything of it is released already.
    if (!this.#workers.has(worker)) return;
    switch (message.type) {
      case "ready":
        worker.isReady = true;
        this.#spread.changed();
        this.#started();
        return;
      case "failed":
        this.#started(new Error(message.reason));
        worker.kill(`cannot start: ${message.reason}`);
        return;
      case "applied":
        worker.applied = message.change;
        this.#changes.check();
        return;
      case "wake":
        void this.#wake(worker, message);
        return;
      case "loads":
        for (const load of message.loads) this.#loads.take(worker.number, load);
        return;
      case "print":
        this.#options.print(message.line);
        return;
      case "drained":
        this.#drained(worker);
    }
  }

  ended(worker: WorkerProcess, how: string): void {
    this.#workers.delete(worker);
    this.#loads.remove(worker.number);
    this.#ended.add(worker.stats);
    this.#changes.check();
    this.#drained(worker);
    if (this.#state === "starting") this.#started(new Error(`a router process ${how}.`));
    if (this.#state === "starting" || this.#state === "draining" || this.#state === "closed") return;
    const waitMs = this.#restarts[worker.place - 1]!.afterMs(performance.now() - worker.startedMs);
    const when = waitMs === 0 ? "at once" : `in ${waitMs / 1_000} s`;
    this.#options.print(`router process ${worker.place} ${how}; the next one is started ${when}`);
    const timer = setTimeout(() => {
      this.#starts.delete(timer);
      this.#start(worker.place);
    }, waitMs);
    this.#starts.add(timer);
  }

  #start(place: number): void {
    const { limits, platform, env, headersMs, folder: label = "" } = this.#options;
    const change = this.#changes.last;
    const worker = new WorkerProcess({ number: ++this.#numbers, place, change, owner: this, label });
    this.#workers.add(worker);
    const functions = [...platform.allEndpoints()].map(plain);
    const management = this.#management && { management: this.#management.path };
    const headers = headersMs === undefined ? {} : { headersMs };
    worker.send({ type: "start", limits, env: telemetryOf(env), ...headers, functions, ...management });
    if (this.#state === "leaving") worker.send({ type: "state", state: "leaving" });
  }

  #endpointsChanged(name: string, endpoints: Endpoints | undefined): void {
    const change = this.#changes.add(name);
    const message = endpoints === undefined ? { name } : { name, endpoints: plain(endpoints) };
    for (const worker of this.#workers) worker.send({ type: "endpoints", change, ...message });
  }

  async #wake(
    worker: WorkerProcess,
    { id, name, version }: { id: number; name: string; version: number },
  ): Promise<void> {
    try {
      const steps = (await this.#options.platform.wake(name, version)) ?? [];
      worker.send({ type: "woken", id, steps });
    } catch (error) {
      worker.send({ type: "not-woken", id, error: sendError(error) });
    }
  }

  #isApplied(change: number): boolean {
    for (const { isReady, applied } of this.#workers) if (isReady && applied < change) return false;
    return true;
  }

  /** What the workers that run have counted until now. */
  async #count(): Promise<WorkerStats[]> {
    await Promise.all([...this.#workers].map((worker) => worker.count()));
    return [...this.#workers].map(({ stats }) => stats);
  }
}

/** Without what an implementation keeps of an instance besides. */
function plain({ name, traffic, versions }: Endpoints): Endpoints {
  const known = versions.map(({ version, concurrency, timeoutMs, instances }) => ({
    version,
    concurrency,
    timeoutMs,
    instances: instances.map(({ id, address }) => ({ id, address })),
  }));
  return { name, traffic, versions: known };
}

/** Of all variables those alone that a worker has a use for: there are secrets among the others. */
function telemetryOf(env: FrontOptions["env"]): FrontOptions["env"] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(SKIFF_ACCESS_LOG$|OTEL_)/.test(name)));
}
