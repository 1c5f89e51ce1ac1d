import { randomUUID } from "node:crypto";
import type { Calls } from "../../store/calls.ts";

const BEAT_MS = 5_000;
/** A worker without a beat for this long is dead, in milliseconds. */
const DEAD_MS = 30_000;
/** Beats in a row that must have gone well before calls of others are taken: an outage of the store kills nobody. */
const GOOD_BEATS = 3;
const MOST_RECLAIMED = 1_000;

export interface HeartbeatOptions {
  readonly calls: Pick<Calls, "beat" | "reclaim" | "leave">;
  /** See EventsOptions. */
  readonly isShared: boolean;
  readonly now: () => number;
  readonly print: (line: string) => void;
  /** Called once the worker can lease, also after it has lost its leases and got a new id. */
  readonly onReady: () => void;
  /** Ids of the calls that the worker runs, or whose ends are not stored yet. */
  readonly running: () => readonly string[];
  /** Called when the leases of the worker were taken away. */
  readonly onLost: () => void;
  /** Time between two beats, in milliseconds; 5 s by default. */
  readonly beatMs?: number;
}

/** Shows that a worker lives, and gives calls of dead ones back to their queues. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #owner = randomUUID();
  #isReady = false;
  #hasTakenOver = false;
  #goodBeats = 0;
  #isAway = false;
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

  /** Stops beating and gives back what the worker has leased. Rejects if the store is away. */
  async leave(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#beating;
    const { owner } = this;
    this.#isReady = false;
    if (owner !== undefined) await this.#options.calls.leave(owner, this.#options.now());
  }

  async #beat(): Promise<void> {
    const { calls, now, print, isShared, onReady, onLost, beatMs = BEAT_MS } = this.#options;
    try {
      if (!isShared && !this.#hasTakenOver) await this.#takeOver();
      this.#hasTakenOver = true;
      const isHeld = await calls.beat(this.#owner, now(), this.#options.running());
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
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => this.start(), this.#isReady ? beatMs : beatMs / 5);
  }

  /** No other worker can use the store: whatever has a lease has died. */
  async #takeOver(): Promise<void> {
    const { calls, now } = this.#options;
    const request = { deadBefore: Number.MAX_SAFE_INTEGER, now: now(), limit: MOST_RECLAIMED };
    while ((await calls.reclaim(request)) >= MOST_RECLAIMED);
  }

  async #reclaim(): Promise<void> {
    const { calls, now, print } = this.#options;
    const request = { deadBefore: now() - DEAD_MS, now: now(), limit: MOST_RECLAIMED };
    const count = await calls.reclaim(request);
    if (count > 0) print(`${count} calls of workers that died wait again`);
  }
}
