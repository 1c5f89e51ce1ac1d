import type { Entry, KeptValue } from "../../platform/flows/run/entry.ts";
import type { RunState } from "../../platform/flows/run/error.ts";
import { Problem } from "../../platform/problems.ts";
import type { RunRecord } from "../../store/flows/runs.ts";
import type { FlowServices } from "../services.ts";

/** What became of a run, as far as a client waits for it. */
export type Outcome =
  /** The output of the run, or of the step that answers. */
  | { readonly kind: "output"; readonly output: KeptValue }
  | { readonly kind: "ended"; readonly end: Extract<Entry, { kind: "ended" }> }
  /** The step that answers was skipped, or time is up. */
  | { readonly kind: "none" };

export interface Wait {
  /** The step whose output is the answer; that of the run by default. */
  readonly respond?: string | undefined;
  /** In milliseconds. */
  readonly waitMs: number;
  /** Ends the wait with its reason. */
  readonly signal: AbortSignal;
}

/** Time between two looks at a run that another program may have, in milliseconds. */
const POLL_MS = { first: 20, last: 500, factor: 1.5 };
const PAGE = 1_000;

type Services = Pick<FlowServices, "store" | "changes" | "isShared">;
type Listener = (entries: readonly Entry[]) => void;

/** Waits for the outcomes of runs. */
export class Outcomes {
  readonly #services: Services;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #closed = new AbortController();

  constructor(services: Services) {
    this.#services = services;
    services.changes.on("run", this.#onRun);
  }

  /** Every wait ends: the engine stops as well. */
  close(): void {
    this.#services.changes.off("run", this.#onRun);
    this.#closed.abort();
  }

  /**
   * Begins a run, and waits for its outcome.
   * @param id of the run
   * @param begin stores it; the result names an older run if the request was a repeated one
   * @throws what `begin` throws, and whatever aborts the signal; Problem `store_unavailable`, `unknown_run`
   */
  async after<Run extends { readonly id: string }>(
    id: string,
    wait: Wait,
    begin: () => Promise<Run>,
  ): Promise<{ readonly run: Run; readonly outcome: Outcome }> {
    const watch = new Watch(wait);
    // Its entries may be announced before `begin` resolves.
    const stop = this.#listen(id, watch.see);
    try {
      const run = await begin();
      if (run.id === id) return { run, outcome: await this.#outcome(id, wait, watch) };
      const other = new Watch(wait);
      const stopOther = this.#listen(run.id, other.see);
      try {
        await this.#look(run.id, other, 0);
        return { run, outcome: await this.#outcome(run.id, wait, other) };
      } finally {
        stopOther();
      }
    } finally {
      stop();
    }
  }

  /**
   * Returns the state of a run that is stored.
   * @throws Problem `store_unavailable`, `unknown_run`
   */
  async stateOf(run: string): Promise<RunState> {
    return (await this.#get(run)).state;
  }

  async #get(run: string): Promise<RunRecord> {
    const record = await this.#services.store.runs.get(run);
    if (record === undefined) throw new Problem("unknown_run", `The run ${run} was removed.`);
    return record;
  }

  #listen(run: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(run) ?? new Set();
    this.#listeners.set(run, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(run);
    };
  }

  readonly #onRun = (run: string, entries: readonly Entry[]) => {
    for (const listener of this.#listeners.get(run) ?? []) listener(entries);
  };

  async #outcome(run: string, { waitMs, signal }: Wait, watch: Watch): Promise<Outcome> {
    const { isShared } = this.#services;
    const ending = AbortSignal.any([signal, this.#closed.signal, AbortSignal.timeout(waitMs)]);
    let pauseMs = POLL_MS.first;
    let seen = 0;
    while (watch.outcome === undefined && !ending.aborted) {
      // Another program may have it.
      if (isShared) seen = await this.#look(run, watch, seen);
      await watch.news(ending, isShared ? pauseMs : undefined);
      pauseMs = Math.min(pauseMs * POLL_MS.factor, POLL_MS.last);
    }
    signal.throwIfAborted();
    return watch.outcome ?? { kind: "none" };
  }

  /** Reads what is new of a run. Returns the number of the last entry that was seen. */
  async #look(run: string, watch: Watch, seen: number): Promise<number> {
    const { runs } = this.#services.store;
    const { sequence } = await this.#get(run);
    // Without a step that answers only the last entry is of interest.
    for (let at = watch.isForRun ? Math.max(seen, sequence - 1) : seen; at < sequence; ) {
      const entries = await runs.entries(run, at, PAGE);
      if (entries.length === 0) break;
      watch.see(entries);
      at += entries.length;
    }
    return sequence;
  }
}

/** What is known of a run. */
class Watch {
  readonly #respond: string | undefined;
  #wake: () => void = () => {};
  outcome: Outcome | undefined;

  constructor({ respond }: Wait) {
    this.#respond = respond;
  }

  get isForRun(): boolean {
    return this.#respond === undefined;
  }

  readonly see = (entries: readonly Entry[]): void => {
    for (const entry of entries) this.outcome ??= this.#outcomeOf(entry);
    if (this.outcome !== undefined) this.#wake();
  };

  /** Resolves when there is an outcome, or the signal is aborted, or after `pauseMs`. */
  async news(signal: AbortSignal, pauseMs: number | undefined): Promise<void> {
    if (this.outcome !== undefined || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#wake = wake;
    const timer = pauseMs === undefined ? undefined : setTimeout(wake, pauseMs);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
    clearTimeout(timer);
  }

  #outcomeOf(entry: Entry): Outcome | undefined {
    if (entry.kind === "ended") {
      return entry.state === "done" && this.isForRun
        ? { kind: "output", output: entry.output }
        : { kind: "ended", end: entry };
    }
    if (!("step" in entry) || entry.step !== this.#respond) return undefined;
    if (entry.kind === "skipped" || entry.kind === "caught") return { kind: "none" };
    // An item of a loop is a part of its output alone.
    const isWhole = "output" in entry && entry.output !== undefined && !("item" in entry);
    return isWhole ? { kind: "output", output: entry.output } : undefined;
  }
}
