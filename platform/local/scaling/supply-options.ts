import type { RunningInstance } from "../instances/running-instance.ts";
import type { Failure } from "./failures.ts";

/** Instances that a version needs. */
export interface Wanted {
  readonly all: number;
  readonly withoutPool: number;
  readonly forCalls: number;
}

export interface SupplyOptions {
  readonly name: string;
  /** Receives the last failures. */
  readonly errors: Failure[];
  /**
   * With `waits`, the start waits for memory; otherwise it is refused when memory is used up, and with `isSpare` when there
   * is none to spare.
   */
  readonly start: (signal: AbortSignal, waits: boolean, isSpare: boolean) => Promise<RunningInstance>;
  /** Instances that the load needs: in total, without the pool, and for its calls alone. */
  readonly wanted: () => Wanted;
  /** Called when an instance has taken the one call of its life. It does not count here any more. */
  readonly onSpent: (instance: RunningInstance) => void;
  /** Called when the set of ready instances has changed. */
  readonly onChange: () => void;
  /** Ends an instance; resolves when it has ended. */
  readonly discard: (instance: RunningInstance) => Promise<void>;
  readonly log: (message: string, at: Date) => void;
}
