import type { Load } from "../../platform.ts";

/** What one router knows of the load of functions; what the leader asks before it sends one to sleep. */
export interface RouterLoad {
  /** Time for which this router has been counting: a function that is not listed had no call since. */
  readonly countingForMs: number;
  readonly functions: Readonly<Record<string, FunctionLoad>>;
}

export interface FunctionLoad {
  readonly busy: boolean;
  /** Time since its last call; 0 while it is busy. */
  readonly idleForMs: number;
}

/** The load of functions as a router reports it. Entries go when their function does. */
export class LoadTable {
  readonly #now: () => number;
  readonly #startedMs: number;
  readonly #entries = new Map<string, { calls: number; lastMs: number }>();
  readonly #waking = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedMs = now();
  }

  report({ name, inFlight, waiting }: Load): void {
    const before = this.#entries.get(name);
    const calls = inFlight + waiting;
    // Silence that is reported again is still silence.
    const lastMs = before && before.calls === 0 && calls === 0 ? before.lastMs : this.#now();
    this.#entries.set(name, { calls, lastMs });
  }

  /** Calls that are in flight or waiting. */
  calls(name: string): number {
    return this.#entries.get(name)?.calls ?? 0;
  }

  /** Somebody waits for the function until `done` is called. */
  wakes(name: string): () => void {
    this.#waking.set(name, (this.#waking.get(name) ?? 0) + 1);
    return () => {
      const left = (this.#waking.get(name) ?? 1) - 1;
      if (left > 0) this.#waking.set(name, left);
      else this.#waking.delete(name);
      this.#entries.set(name, { calls: this.calls(name), lastMs: this.#now() });
    };
  }

  forget(name: string): void {
    this.#entries.delete(name);
  }

  read(): RouterLoad {
    const now = this.#now();
    const functions: Record<string, FunctionLoad> = {};
    for (const [name, { calls, lastMs }] of this.#entries) {
      const busy = calls > 0;
      functions[name] = { busy, idleForMs: busy ? 0 : now - lastMs };
    }
    for (const name of this.#waking.keys()) functions[name] = { busy: true, idleForMs: 0 };
    return { countingForMs: now - this.#startedMs, functions };
  }
}

/** Time for which no router had a call of this function. */
export function idleForMs(name: string, loads: readonly RouterLoad[]): number {
  return Math.min(
    ...loads.map(({ functions, countingForMs }) => functions[name]?.idleForMs ?? countingForMs),
  );
}
