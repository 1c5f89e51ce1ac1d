import type { Declared } from "../../platform/declarations.ts";
import type { Platform } from "../../platform/platform.ts";
import type { FlowTotals, Runs } from "../../store/flows/runs.ts";
import type { ReadFlow } from "../read-flow.ts";
import type { FlowState, LastRun } from "./flow-verdict.ts";

export interface FlowStatesOptions {
  readonly runs: Pick<Runs, "totals" | "list">;
  readonly platform: Pick<Platform, "endpoints">;
  /** Reads a declaration, and numbers its version. */
  readonly read: (declared: Declared) => Promise<ReadFlow>;
}

interface Known {
  readonly revision: string;
  readonly read: ReadFlow;
  /** JSON text of the totals for which `last` was read. */
  readonly counted: string;
  readonly last: LastRun | undefined;
}

/** Reads what the statuses of flows show. A declaration is read again when it changed, the newest run when a count did. */
export class FlowStates {
  readonly #options: FlowStatesOptions;
  #known = new Map<string, Known>();

  constructor(options: FlowStatesOptions) {
    this.#options = options;
  }

  /** @returns the states of the flows, which are all that there are, in their order */
  async read(flows: readonly Declared[]): Promise<readonly FlowState[]> {
    if (flows.length === 0) return [];
    const { runs, platform } = this.#options;
    const totals = new Map((await runs.totals()).map((each) => [each.flow, each]));
    const known = new Map<string, Known>();
    for (const declared of flows)
      known.set(declared.name, await this.#knownOf(declared, totals.get(declared.name)));
    this.#known = known;
    return flows.map(({ name }) => {
      const { read, last } = known.get(name)!;
      return {
        ...{ read, last, totals: totals.get(name) },
        hasFunction: (each) => platform.endpoints(each) !== undefined,
        hasFlow: (each) => known.has(each),
      };
    });
  }

  async #knownOf(declared: Declared, totals: FlowTotals | undefined): Promise<Known> {
    const { name, revision } = declared;
    const before = this.#known.get(name);
    const read = before?.revision === revision ? before.read : await this.#options.read(declared);
    const counted = JSON.stringify(totals ?? null);
    const last = before?.counted === counted ? before.last : await this.#lastOf(name, totals);
    return { revision, read, counted, last };
  }

  async #lastOf(flow: string, totals: FlowTotals | undefined): Promise<LastRun | undefined> {
    if (totals === undefined) return undefined;
    const [last] = await this.#options.runs.list({ flow, limit: 1 });
    return last;
  }
}
