import { randomUUID } from "node:crypto";
import { SilentWorkers } from "../../calling/silent-workers.ts";
import type { Calls, HeldCalls, HeldLease, WorkerBeat } from "../../store/calls.ts";

const BEAT_MS = 5_000;
/** Beats in a row that must have gone well before calls of others are taken: an outage of the store kills nobody. */
const GOOD_BEATS = 3;
const MOST_RECLAIMED = 1_000;

export interface HeartbeatOptions {
  readonly calls: Pick<Calls, "beat" | "beats" | "reclaim" | "leave">;
  /** See EventsOptions. */
  readonly isShared: boolean;
  readonly now: () => number;
  readonly print: (line: string) => void;
  /** Called once the worker can lease, also after it has lost its leases and got a new id. */
  readonly onReady: () => void;
  readonly held: () => HeldCalls;
  /** Called when the store knows that the ends of these calls were dropped. */
  readonly onDropped: (dropped: readonly HeldLease[]) => void;
  /** Called when the leases of the worker were taken away. */
  readonly onLost: () => void;
  /** Time between two beats, in milliseconds; 5 s by default. */
  readonly beatMs?: number;
  /** Milliseconds of a clock that nobody sets; that of the process by default. */
  readonly monotonic?: () => number;
}

/** Shows that a worker lives, and gives calls of dead ones back to their queues. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #owner = randomUUID();
  #isReady = false;
  #hasTakenOver = false;
  #goodBeats = 0;
  #isAway = false;
  readonly #silent = new SilentWorkers();
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** The id under which the worker leases; undefined before its first beat. */
  get owner(): string | undefined {
    return this.#isReady ? this.#owner : undefined;
  }

  start(): void {
    this.#beating = this.#beat();
  }

  /**
   * Stops beating and gives back what the worker has leased. Rejects if the store is away.
   * @param begun what may have run, and is not settled
   */
  async leave(begun: () => readonly HeldLease[] = () => []): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#beating;
    const { owner } = this;
    this.#isReady = false;
    if (owner !== undefined) await this.#options.calls.leave(owner, this.#options.now(), begun());
  }

  async #beat(): Promise<void> {
    const { calls, now, print, isShared, onReady, onLost, onDropped, beatMs = BEAT_MS } = this.#options;
    try {
      if (!isShared && !this.#hasTakenOver) await this.#takeOver();
      this.#hasTakenOver = true;
      const held = this.#options.held();
      const { isHeld } = await calls.beat(this.#owner, now(), held);
      onDropped(held.dropped);
      this.#goodBeats++;
      this.#isAway = false;
      if (!isHeld && this.#isReady) {
        print("this worker of events lost its calls to another one: it did not reach the store in time");
        this.#isReady = false;
        this.#owner = randomUUID();
        onLost();
        await calls.beat(this.#owner, now());
      }
      if (!this.#isReady && !this.#isStopped) {
        this.#isReady = true;
        onReady();
      }
      if (isShared && this.#goodBeats >= GOOD_BEATS) await this.#reclaim();
    } catch (error) {
      if (!this.#isAway) print(`a worker of events did not reach the store: ${(error as Error).message}`);
      this.#isAway = true;
      this.#goodBeats = 0;
      this.#silent.forget();
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => this.start(), this.#isReady ? beatMs : beatMs / 5);
  }

  /** No other worker can use the store: whatever has a lease has died. */
  async #takeOver(): Promise<void> {
    const { calls, now } = this.#options;
    const request = { silent: "all", now: now(), limit: MOST_RECLAIMED } as const;
    while ((await calls.reclaim(request)) >= MOST_RECLAIMED);
  }

  async #reclaim(): Promise<void> {
    const { calls, now, print, monotonic = () => performance.now() } = this.#options;
    const silent: readonly WorkerBeat[] = this.#silent.of(await calls.beats(), monotonic());
    if (silent.length === 0) return;
    const count = await calls.reclaim({ silent, now: now(), limit: MOST_RECLAIMED });
    if (count > 0) print(`${count} calls of workers that died wait again`);
  }
}
