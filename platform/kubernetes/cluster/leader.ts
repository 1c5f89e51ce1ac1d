import type { KubeApi } from "./api.ts";
import { hasStatus } from "./api-error.ts";
import { delay } from "./mirror.ts";
import { KINDS, type Lease, type Place } from "./resources.ts";

export interface LeaderTimes {
  /** Time without renewal after which a leader has lost the lease. */
  readonly leaseMs: number;
  readonly renewEveryMs: number;
}

export const LEADER_TIMES: LeaderTimes = { leaseMs: 10_000, renewEveryMs: 2_500 };

export interface LeaderOptions {
  readonly api: KubeApi;
  readonly place: Place & { readonly name: string };
  /** Unique name of this candidate. */
  readonly identity: string;
  /** Leads until the signal aborts, at the loss of the lease or at the end. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly print: (line: string) => void;
  readonly times?: LeaderTimes;
}

/** Takes part in the election of one leader by a Lease (https://kubernetes.io/docs/concepts/architecture/leases/). */
export class Leader {
  readonly #options: LeaderOptions;
  readonly #times: LeaderTimes;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** The version last read, and when by this program's clock: clocks of other candidates are not trusted. */
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

  /** Stops leading and releases the lease, so that another candidate leads at once. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let renewedMs = 0;
    while (!signal.aborted) {
      try {
        if (await this.#acquire()) renewedMs = performance.now();
        else await this.#stepDown("another candidate leads");
      } catch (error) {
        if (!this.#term) this.#options.print(`the lease cannot be acquired: ${(error as Error).message}`);
      }
      if (this.#term && performance.now() - renewedMs > this.#times.leaseMs - this.#times.renewEveryMs) {
        await this.#stepDown("the lease could not be renewed");
      }
      await delay(this.#times.renewEveryMs, signal);
    }
    const led = this.#term !== undefined;
    await this.#stepDown("closing");
    if (led) await this.#release();
  }

  /** Returns true if this candidate holds the lease now. */
  async #acquire(): Promise<boolean> {
    const { api, place, identity } = this.#options;
    const deadline = { deadlineMs: this.#times.renewEveryMs };
    const lease = await api.get<Lease>(place, deadline);
    const now = new Date().toISOString().replace("Z", "000Z");
    const leaseDurationSeconds = Math.ceil(this.#times.leaseMs / 1_000);
    const spec = { holderIdentity: identity, leaseDurationSeconds, renewTime: now };
    try {
      if (!lease) {
        const { name, namespace } = place;
        const [apiVersion, kind] = ["coordination.k8s.io/v1", "Lease"];
        const body = { apiVersion, kind, metadata: { name, namespace }, spec: { ...spec, acquireTime: now } };
        await api.create<Lease>({ kind: KINDS.leases, namespace }, body, deadline);
      } else {
        const holder = lease.spec?.holderIdentity ?? "";
        if (holder !== identity && holder !== "" && !this.#isExpired(lease)) return false;
        const leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + 1;
        const taken = holder === identity ? {} : { acquireTime: now, leaseTransitions };
        await api.replace(place, { ...lease, spec: { ...lease.spec, ...spec, ...taken } }, deadline);
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

  async #stepDown(why: string): Promise<void> {
    const term = this.#term;
    if (!term) return;
    this.#options.print(`stopped leading: ${why}`);
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
      print(`the lease could not be released and expires by itself: ${(error as Error).message}`);
    }
  }
}
