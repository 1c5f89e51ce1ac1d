import type { RunRecord, Runs } from "../../store/flows/runs.ts";
import type { FlowCounts } from "./counts.ts";

/** Longer than functions are given by default, many times over; in milliseconds. */
const STUCK_MS = 15 * 60_000;
const LOOK_MS = 60_000;
const MOST_SHOWN = 100;

export interface StuckRunsOptions {
  readonly runs: Pick<Runs, "stuck" | "get">;
  readonly counts: FlowCounts;
  /** The name of this engine; undefined while it has no runs. */
  readonly owner: () => string | undefined;
  /** Whether this engine makes a call of the run right now. */
  readonly isCalling: (run: string) => boolean;
  /** Whether this engine can take more runs: otherwise others wait for their turn. */
  readonly hasRoom: () => boolean;
  /** Runs of this engine whose wake time was before. */
  readonly overdue: (before: number) => readonly { readonly id: string }[];
  readonly now: () => number;
  readonly print: (line: string) => void;
  /** Time between two looks, in milliseconds; a minute by default. */
  readonly lookMs?: number;
}

/**
 * Looks for runs without progress that nothing explains: an alarm for people. A long call explains it, also one of another engine that
 * lives, and so does a queue that moves.
 */
export class StuckRuns {
  readonly #options: StuckRunsOptions;
  #known: ReadonlySet<string> = new Set();
  /** Runs that were next and overdue at the last look. */
  #next: ReadonlySet<string> = new Set();
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
    const { counts, print } = this.#options;
    try {
      const stuck = await this.#find();
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

  async #find(): Promise<readonly RunRecord[]> {
    const { runs, owner: ownerNow, isCalling, hasRoom, overdue, now } = this.#options;
    const owner = ownerNow();
    if (owner === undefined) return [];
    const before = now() - STUCK_MS;
    const { own, lost, due } = await runs.stuck({ owner, before, limit: MOST_SHOWN });
    const late = await Promise.all(
      overdue(before)
        .slice(0, MOST_SHOWN)
        .map(({ id }) => runs.get(id)),
    );
    const still = hasRoom() ? due.filter(({ id }) => this.#next.has(id)) : [];
    this.#next = new Set(due.map(({ id }) => id));
    const found = [
      ...own.filter(({ id }) => !isCalling(id)),
      ...lost,
      ...still,
      ...late.filter((run) => run !== undefined),
    ];
    return [...new Map(found.map((run) => [run.id, run])).values()];
  }
}
