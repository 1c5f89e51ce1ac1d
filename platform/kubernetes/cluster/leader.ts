import type { KubeApi } from "./api.ts";
import { hasStatus } from "./api-error.ts";
import { delay } from "./mirror.ts";
import { KINDS, type Lease, type Place } from "./resources.ts";

export interface LeaderTimes {
  /** A leader that has not renewed for this time has lost the lease. */
  readonly leaseMs: number;
  readonly renewEveryMs: number;
}

export const LEADER_TIMES: LeaderTimes = { leaseMs: 10_000, renewEveryMs: 2_500 };

export interface LeaderOptions {
  readonly api: KubeApi;
  readonly place: Place & { readonly name: string };
  /** Name of this candidate, unique among them. */
  readonly identity: string;
  /** Leads until the signal is aborted: because the lease was lost, or at the end. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly print: (line: string) => void;
  readonly times?: LeaderTimes;
}

/** Takes part in the election of one leader by a Lease, as https://kubernetes.io/docs/concepts/architecture/leases/ has it. */
export class Leader {
  readonly #options: LeaderOptions;
  readonly #times: LeaderTimes;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** The lease as last seen, and when by our own clock: clocks of others are not trusted. */
  #seen: { version: string | undefined; atMs: number } | undefined;
  #term: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#times = options.times ?? LEADER_TIMES;
    this.#running = this.#run();
  }

  get isLeading(): boolean {
    return this.#term !== undefined;
  }

  /** Stops leading and lets the next one take over at once. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let renewedMs = 0;
    while (!signal.aborted) {
      try {
        if (await this.#take()) renewedMs = performance.now();
        else await this.#step("another leads");
      } catch (error) {
        if (!this.#term) this.#options.print(`the lease cannot be taken: ${(error as Error).message}`);
      }
      if (this.#term && performance.now() - renewedMs > this.#times.leaseMs - this.#times.renewEveryMs) {
        await this.#step("the lease could not be renewed");
      }
      await delay(this.#times.renewEveryMs, signal);
    }
    const led = this.#term !== undefined;
    await this.#step("closing");
    if (led) await this.#release();
  }

  /** True if the lease is ours now. */
  async #take(): Promise<boolean> {
    const { api, place, identity } = this.#options;
    const deadline = { deadlineMs: this.#times.renewEveryMs };
    const lease = await api.get<Lease>(place, deadline);
    const now = new Date().toISOString().replace("Z", "000Z");
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#times.leaseMs / 1_000),
      renewTime: now,
    };
    try {
      if (!lease) {
        const metadata = { name: place.name, namespace: place.namespace };
        const body = {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata,
          spec: { ...spec, acquireTime: now },
        };
        await api.create<Lease>({ kind: KINDS.leases, namespace: place.namespace }, body, deadline);
      } else {
        const holder = lease.spec?.holderIdentity ?? "";
        if (holder !== identity && holder !== "" && !this.#isExpired(lease)) return false;
        const took =
          holder === identity
            ? {}
            : { acquireTime: now, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 };
        await api.replace(place, { ...lease, spec: { ...lease.spec, ...spec, ...took } }, deadline);
      }
    } catch (error) {
      if (hasStatus(error, 409)) return false;
      throw error;
    }
    this.#start();
    return true;
  }

  #isExpired({ metadata, spec }: Lease): boolean {
    const nowMs = performance.now();
    if (this.#seen?.version !== metadata.resourceVersion) {
      this.#seen = { version: metadata.resourceVersion, atMs: nowMs };
    }
    const durationMs = (spec?.leaseDurationSeconds ?? 0) * 1_000;
    return nowMs - (this.#seen?.atMs ?? nowMs) > durationMs;
  }

  #start(): void {
    if (this.#term) return;
    const stop = new AbortController();
    this.#options.print(`leading as ${this.#options.identity}`);
    this.#term = { stop, done: this.#options.lead(stop.signal) };
  }

  async #step(why: string): Promise<void> {
    const term = this.#term;
    if (!term) return;
    this.#options.print(`not leading any more: ${why}`);
    term.stop.abort();
    await term.done;
    this.#term = undefined;
  }

  async #release(): Promise<void> {
    const { api, place, identity, print } = this.#options;
    try {
      const lease = await api.get<Lease>(place);
      if (lease?.spec?.holderIdentity !== identity) return;
      await api.replace(place, { ...lease, spec: { ...lease.spec, holderIdentity: "" } });
    } catch (error) {
      print(`the lease was not given back and runs out by itself: ${(error as Error).message}`);
    }
  }
}
