import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Address, listen } from "../../http/server.ts";
import { parseTrustedProxies } from "../../http/trusted-proxies.ts";
import type { Endpoints, InstanceLoad, Load } from "../../platform/platform.ts";
import type { RouterOrders, RouterReport } from "../../platform/usage/exchange.ts";
import type { Front, FrontOptions } from "../front.ts";
import { mergeStats, mergeTotals } from "../metrics/merge-stats.ts";
import type { MetricsSource } from "../metrics/metrics.ts";
import { openManagementSocket } from "./management.ts";
import { keyOf, type WorkerCounters, type WorkerLoad } from "./protocol.ts";
import { NO_COUNTERS, WorkerProcess, within } from "./worker-process.ts";

const CHECK_EVERY_MS = 1_000;
const FIRST_RESTART_MS = 50;
const LONGEST_RESTART_MS = 10_000;
/** A worker that ran for this long ends a row of failures, in milliseconds. */
const HEALTHY_MS = 10_000;
/** Time for every worker to apply a deploy, in milliseconds. A worker that hangs is killed soon after. */
const CAUGHT_UP_MS = 3_000;
/** Time for every worker to report its usage. A late report is sent again. */
const EXCHANGE_MS = 1_000;
/** Time that a worker may exceed its deadline to drain or to end, in milliseconds. */
const END_MS = 2_000;

export interface WorkersOptions extends FrontOptions {
  /** At least 2. */
  readonly workers: number;
  /** Folder for the socket of the management API; required with `other`. */
  readonly folder?: string;
}

/**
 * A front whose routers are processes of their own on one port, so that several cores answer calls. This
 * process, the primary, owns the platform: it sends endpoints to the workers, adds up their loads and
 * counters, and restarts workers that end. No call passes through it.
 */
export class Workers implements Front {
  readonly counted: MetricsSource = {
    stats: async () => mergeStats((await this.#count()).map(({ functions }) => functions)),
    totals: async () => mergeTotals((await this.#count()).map(({ totals }) => totals)),
    processes: () => [...this.#workers].map(({ place, counters }) => [String(place), counters.process]),
  };
  readonly #options: WorkersOptions;
  readonly #workers = new Set<WorkerProcess>();
  /** Function names by change that a worker has not applied yet. */
  readonly #unapplied = new Map<Promise<unknown>, string>();
  readonly #stopWatching: () => void;
  readonly #stopWatchingKeys: () => void;
  readonly #checks: NodeJS.Timeout;
  /** Workers end with the primary, but a moment later they would report that its instances have ended. */
  readonly #killAll = () => {
    for (const worker of this.#workers) worker.kill();
  };
  /** Counters of workers that have ended: a counter must never decrease. */
  #before = NO_COUNTERS;
  #management: Awaited<ReturnType<typeof openManagementSocket>> | undefined;
  #address: Address = { port: 0 };
  #restarts = false;
  /** Workers in a row that ended early. */
  #failures = 0;

  /** @throws Error with a text for the operator, see `parseTrustedProxies` */
  constructor(options: WorkersOptions) {
    // Each worker would refuse it, with a text about the worker.
    parseTrustedProxies(options.env.SKIFF_TRUST_PROXY);
    this.#options = options;
    this.#stopWatching = options.platform.watch((name, endpoints) => this.#update(name, endpoints));
    this.#stopWatchingKeys = options.keys.watch((id, spec) => {
      for (const { channel } of this.#workers) void channel.ask("setKey", { id, spec });
    });
    this.#checks = setInterval(() => {
      for (const worker of this.#workers) worker.check();
    }, CHECK_EVERY_MS);
    process.once("exit", this.#killAll);
  }

  /** Resolves when all workers listen. @throws Error also if one does not start; `close` ends the others */
  async listen(address: Address): Promise<number> {
    const { folder, limits, other: handler, print, workers } = this.#options;
    if (handler !== undefined && folder !== undefined) {
      this.#management = await openManagementSocket(folder, limits, handler);
    }
    const held = await claimPort(address, print);
    const { port, address: host } = held.address() as AddressInfo;
    this.#address = { port, host, reusePort: true };
    try {
      const started = Array.from({ length: workers }, (_, index) => this.#start(index + 1));
      for (const worker of started) {
        if ((await worker.port) === undefined) throw new Error(`a router process ${await worker.ended}.`);
      }
      if (this.#workers.size < workers) throw new Error("a router process ended as soon as it listened.");
    } finally {
      held.close();
    }
    this.#restarts = true;
    return port;
  }

  async caughtUp(): Promise<void> {
    await within(CAUGHT_UP_MS, Promise.all(this.#unapplied.keys()));
  }

  hasCaughtUp(name: string): boolean {
    return ![...this.#unapplied.values()].includes(name);
  }

  async exchangeUsage(orders: RouterOrders): Promise<readonly RouterReport[]> {
    const asked = [...this.#workers].map(({ channel }) => {
      return within(EXCHANGE_MS, channel.ask("exchangeUsage", orders));
    });
    return (await Promise.all(asked)).flatMap((reports) => reports ?? []);
  }

  leave(): void {
    this.#restarts = false;
    for (const { channel } of this.#workers) void channel.ask("leave");
  }

  async drain(options: { drainMs: number }): Promise<void> {
    this.#restarts = false;
    const drained = [...this.#workers].map(({ channel }) => channel.ask("drain", options));
    await within(options.drainMs + END_MS, Promise.all(drained));
  }

  async close(options: { withinMs: number }): Promise<void> {
    this.#restarts = false;
    this.#stopWatching();
    this.#stopWatchingKeys();
    clearInterval(this.#checks);
    process.off("exit", this.#killAll);
    const ended = Promise.all(
      [...this.#workers].flatMap(({ channel, ended }) => [channel.ask("end", options), ended]),
    );
    await within(options.withinMs + END_MS, ended);
    for (const worker of this.#workers) worker.kill("does not end");
    await ended;
    await this.#management?.close();
  }

  #start(place: number): WorkerProcess {
    const { env, folder: label = "", headersMs, keys, limits, platform, print } = this.#options;
    const management = this.#management?.path;
    const endpoints = [...platform.allEndpoints()].map(plain);
    const worker: WorkerProcess = new WorkerProcess({
      place,
      label,
      env,
      start: { limits, headersMs, address: this.#address, management, endpoints, keys: [...keys.specs()] },
      primary: {
        wake: async ({ name, version }) => (await platform.wake(name, version)) ?? [],
        report: (loads) => this.#takeLoads(worker, loads),
        print,
      },
    });
    this.#workers.add(worker);
    void worker.ended.then((how) => this.#ended(worker, how));
    return worker;
  }

  #ended(worker: WorkerProcess, how: string): void {
    this.#workers.delete(worker);
    for (const load of worker.loads.values()) this.#report(load);
    const { functions, totals } = worker.counters;
    const over = functions.map(({ pool, ...stats }) => ({
      ...stats,
      ...{ inFlight: 0, waiting: 0, ready: 0 },
      ...(pool === undefined ? {} : { pool: { ...pool, unused: 0 } }),
    }));
    this.#before = {
      functions: mergeStats([this.#before.functions, over]),
      totals: mergeTotals([this.#before.totals, totals]),
      process: {},
    };
    if (!this.#restarts) return;
    this.#failures = performance.now() - worker.startedMs < HEALTHY_MS ? this.#failures + 1 : 0;
    const waitMs = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** this.#failures);
    this.#options.print(`router process ${worker.place} ${how}; the next one starts in ${waitMs / 1_000} s`);
    setTimeout(() => {
      if (this.#restarts) this.#start(worker.place);
    }, waitMs).unref();
  }

  #update(name: string, endpoints: Endpoints | undefined): void {
    const change = { name, endpoints: endpoints && plain(endpoints) };
    for (const { channel } of this.#workers) {
      const applied = channel.ask("update", change);
      this.#unapplied.set(applied, name);
      void applied.then(() => this.#unapplied.delete(applied));
    }
  }

  #takeLoads(worker: WorkerProcess, loads: readonly WorkerLoad[]): void {
    for (const load of loads) {
      if (load.waiting + load.byInstance.length > 0) worker.loads.set(keyOf(load), load);
      else worker.loads.delete(keyOf(load));
      this.#report(load);
    }
  }

  #report(load: WorkerLoad): void {
    const loads = [...this.#workers].flatMap((worker) => worker.loads.get(keyOf(load)) ?? []);
    this.#options.platform.report(sumLoads(load, loads));
  }

  async #count(): Promise<WorkerCounters[]> {
    await Promise.all([...this.#workers].map((worker) => worker.count()));
    return [this.#before, ...[...this.#workers].map(({ counters }) => counters)];
  }
}

/** Adds up the loads of one version on several workers, as one router would report them. */
export function sumLoads({ name, version }: WorkerLoad, loads: readonly WorkerLoad[]): Load {
  const byInstance = new Map<string, InstanceLoad>();
  for (const [id, { calls, streams }] of loads.flatMap((load) => load.byInstance)) {
    const before = byInstance.get(id) ?? { calls: 0, streams: 0 };
    byInstance.set(id, { calls: before.calls + calls, streams: before.streams + streams });
  }
  const inFlight = loads.reduce((sum, load) => sum + load.inFlight, 0);
  const waiting = loads.reduce((sum, load) => sum + load.waiting, 0);
  return { name, version, inFlight, waiting, byInstance: () => byInstance };
}

/** Leaves out a platform's own members of an instance, which may not be plain values. */
function plain(endpoints: Endpoints): Endpoints {
  const versions = endpoints.versions.map((version) => {
    return { ...version, instances: version.instances.map(({ id, address }) => ({ id, address })) };
  });
  return { ...endpoints, versions };
}

/**
 * Resolves with a socket that holds the port until the workers listen. A shared port would be shared with
 * another Skiff too, so an exclusive socket has to get it first.
 */
async function claimPort({ port, host }: Address, print: (line: string) => void): Promise<Server> {
  const refuse = (connection: Socket) => connection.destroy();
  const exclusive = createServer(refuse);
  await listen(exclusive, { port, host }, print);
  const bound = exclusive.address() as AddressInfo;
  exclusive.close();
  const held = createServer(refuse);
  const shared = { port: bound.port, host: bound.address, reusePort: true };
  await listen(held, shared, print).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTSUP") throw error;
    throw new Error("processes cannot share a port on this system: use --workers 1.");
  });
  return held;
}
