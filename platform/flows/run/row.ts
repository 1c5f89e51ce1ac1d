import type { RunState, StepError } from "./error.ts";

/** What lists show of a run, and when it has to be looked at again. */
export interface RunRow {
  readonly state: RunState;
  /** `waiting`: for what; `retrying`: which step; `cancelled`: by whom and why. A sentence. */
  readonly status?: string | undefined;
  /** The step under way or, of a failed run, the one that failed. */
  readonly step?: string | undefined;
  readonly error?: StepError | undefined;
  /** When an engine has to look at it although nothing happens; absent: never. */
  readonly wakeAt?: number | undefined;
  readonly endedAt?: number | undefined;
}
