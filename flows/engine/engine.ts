import type { CreatedRun, NewRun } from "../../store/flows/runs.ts";
import type { FlowsOptions } from "../services.ts";
import { FlowTable } from "./flow-table.ts";
import { NewRuns } from "./new-runs.ts";
import { Values } from "./values.ts";

/** Runs flows: takes runs from the store, and makes the calls of their steps. */
export class Engine {
  readonly table: FlowTable;
  readonly newRuns: NewRuns;
  readonly values: Values;
  readonly #options: FlowsOptions;

  private constructor(options: FlowsOptions) {
    this.#options = options;
    const { store, platform, limits, now, print } = options;
    this.values = new Values({ bodies: store.bodies, mostBytes: limits.flowOutputBytes });
    this.newRuns = new NewRuns(options);
    const { versions } = store.runs;
    this.table = new FlowTable({ declarations: platform.declarations, versions, limits, now, print });
  }

  /** Resolves when the declared flows are known. */
  static async open(options: FlowsOptions): Promise<Engine> {
    const engine = new Engine(options);
    await engine.table.open();
    return engine;
  }

  /** See FlowServices. */
  readonly begin = async (run: NewRun): Promise<CreatedRun> => {
    const { store, limits, now } = this.#options;
    const [outcome] = await store.runs.create([run], { now: now(), mostLive: limits.liveRuns });
    return outcome!;
  };

  /** Resolves when the calls under way have ended and this is stored, or after `drainMs`. */
  async close(_: { readonly drainMs: number }): Promise<void> {
    this.table.close();
  }
}
