import { randomUUID } from "node:crypto";
import { SilentWorkers } from "../../calling/silent-workers.ts";
import type { Runs } from "../../store/flows/runs.ts";

const BEAT_MS = 5_000;
/** Time until the next try while the store is away. */
const RETRY_MS = 500;
/** Beats in a row that must have gone well before runs of others are taken: an outage of the store kills nobody. */
const GOOD_BEATS = 3;
const MOST_FREED = 1_000;

export interface EngineBeatOptions {
  readonly runs: Pick<Runs, "beat" | "beats" | "free">;
  /** See FlowsOptions. */
  readonly identity: string;
  readonly isShared: boolean;
  readonly now: () => number;
  readonly print: (line: string) => void;
  /** Called once the engine can claim. */
  readonly onReady: () => void;
  /** The runs that the engine has. */
  readonly held: () => readonly string[];
  /** Time between two beats, in milliseconds; 5 s by default. */
  readonly beatMs?: number;
  /** Milliseconds of a clock that nobody sets; that of the process by default. */
  readonly monotonic?: () => number;
}

/** Shows that an engine lives, and frees the runs of dead ones: those of this program before its restart at once. */
export class EngineBeat {
  readonly #options: EngineBeatOptions;
  readonly #owner: string;
  readonly #silent = new SilentWorkers();
  #isReady = false;
  #hasTakenOver = false;
  #goodBeats = 0;
  #isAway = false;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: EngineBeatOptions) {
    this.#options = options;
    this.#owner = `${options.identity}/${randomUUID()}`;
  }

  /** The name under which the engine has runs; undefined before its first beat. */
  get owner(): string | undefined {
    return this.#isReady ? this.#owner : undefined;
  }

  start(): void {
    this.#beating = this.#beat();
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const { runs, now, print, isShared, onReady, held, beatMs = BEAT_MS } = this.#options;
    try {
      if (!this.#hasTakenOver) await this.#takeOver();
      this.#hasTakenOver = true;
      await runs.beat(this.#owner, now(), held());
      this.#goodBeats++;
      this.#isAway = false;
      if (!this.#isReady && !this.#isStopped) {
        this.#isReady = true;
        onReady();
      }
      if (isShared) await this.#freeDead();
    } catch (error) {
      if (!this.#isAway) print(`an engine of flows did not reach the store: ${(error as Error).message}`);
      this.#isAway = true;
      this.#goodBeats = 0;
      this.#silent.forget();
    }
    // The second look comes soon: a write of the program before its restart may have arrived after the first one.
    const isSettled = this.#isReady && this.#goodBeats > 1;
    const restMs = isSettled ? beatMs : Math.min(beatMs, RETRY_MS);
    if (!this.#isStopped) this.#timer = setTimeout(() => this.start(), restMs);
  }

  /** Whatever has an owner that only this program can have been is left over from before its restart. */
  async #takeOver(): Promise<void> {
    const { runs, now, isShared, identity } = this.#options;
    const of = isShared ? { prefix: `${identity}/` } : "all";
    while ((await runs.free({ of, now: now(), limit: MOST_FREED })) >= MOST_FREED);
  }

  async #freeDead(): Promise<void> {
    const { runs, now, print, identity, monotonic = () => performance.now() } = this.#options;
    const beats = (await runs.beats()).filter(({ owner }) => owner !== this.#owner);
    const { own = [], others = [] } = Object.groupBy(beats, ({ owner }) =>
      owner.startsWith(`${identity}/`) ? "own" : "others",
    );
    const silent = this.#silent.of(others, monotonic());
    const dead = this.#goodBeats >= GOOD_BEATS ? [...own, ...silent] : own;
    if (dead.length === 0) return;
    const count = await runs.free({ of: dead, now: now(), limit: MOST_FREED });
    if (count > 0) print(`${count} runs of engines that died go on`);
  }
}
