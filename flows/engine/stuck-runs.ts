import type { Runs } from "../../store/flows/runs.ts";
import type { FlowCounts } from "./counts.ts";

/** Longer than functions are given by default, many times over; in milliseconds. */
const STUCK_MS = 15 * 60_000;
const LOOK_MS = 60_000;
const MOST_SHOWN = 100;

export interface StuckRunsOptions {
  readonly runs: Pick<Runs, "stuck">;
  readonly counts: FlowCounts;
  /** Whether this engine makes a call of the run right now. */
  readonly isCalling: (run: string) => boolean;
  readonly now: () => number;
  readonly print: (line: string) => void;
  /** Time between two looks, in milliseconds; a minute by default. */
  readonly lookMs?: number;
}

/** Looks for runs without progress that nothing explains: an alarm for people. */
export class StuckRuns {
  readonly #options: StuckRunsOptions;
  #known: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: StuckRunsOptions) {
    this.#options = options;
  }

  start(): void {
    const { lookMs = LOOK_MS } = this.#options;
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#begin(), lookMs).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #begin(): void {
    this.#looking = this.#look().finally(() => this.start());
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { runs, counts, isCalling, now, print } = this.#options;
    try {
      const all = await runs.stuck(now() - STUCK_MS, MOST_SHOWN);
      const stuck = all.filter(({ id }) => !isCalling(id));
      for (const { id, flow, state, step, changedAt } of stuck) {
        if (this.#known.has(id)) continue;
        const at = step === undefined ? "" : ` at the step ${step}`;
        const since = new Date(changedAt).toISOString();
        print(`the run ${id} of the flow ${flow} is ${state}${at} and makes no progress since ${since}`);
      }
      this.#known = new Set(stuck.map(({ id }) => id));
      counts.stuck = stuck.length;
    } catch (error) {
      print(`runs without progress cannot be looked for: ${(error as Error).message}`);
    }
  }
}
