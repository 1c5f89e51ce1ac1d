import type { RequestHandler, Surroundings } from "../calling/surroundings.ts";
import type { CreatedRun, NewRun } from "../store/flows/runs.ts";
import type { FlowStore } from "../store/store.ts";
import type { FlowCounts } from "./engine/counts.ts";
import type { FlowTable } from "./engine/flow-table.ts";
import type { InputChecks } from "./engine/input-checks.ts";
import type { NewRuns } from "./engine/new-runs.ts";
import type { Values } from "./engine/values.ts";

export type { RequestHandler } from "../calling/surroundings.ts";

export interface FlowsOptions extends Surroundings {
  /** Announces its changes (store/changes.ts). */
  readonly store: FlowStore;
  /** Stays the same when this program restarts, and no other program has it: the name of a pod. Runs of its predecessor go on at once. */
  readonly identity: string;
  /** Counts what the engine does. */
  readonly counts?: FlowCounts;
}

/** What the intake of flows needs. */
export interface FlowServices extends FlowsOptions {
  /** The declared flows. */
  readonly table: FlowTable;
  /** Makes what `begin` stores. */
  readonly newRuns: NewRuns;
  /** Moves what is large out of entries, and reads it back. */
  readonly values: Values;
  /** Checks inputs by the schemas of flows. */
  readonly inputChecks: InputChecks;
  /**
   * Stores a run, which this program's engine then has at once if it has room. Durable when it resolves.
   * @throws Problem `store_unavailable`, `draining`
   */
  readonly begin: (run: NewRun) => Promise<CreatedRun>;
  /** Called with the id of each key that is used. */
  readonly keyUsed?: (id: string) => void;
}

/** What answers requests. It lives from the start of flows to their drain. */
export interface FlowsIntake {
  readonly handler: RequestHandler;
  /** Ends the waits of requests. Those under way go on. */
  close(): Promise<void>;
}
