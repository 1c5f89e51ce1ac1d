import { isAway } from "../calling/away.ts";
import { ENGINE_FAMILIES, FLOW_RUN_FAMILIES } from "../metrics/flow-families.ts";
import { type Group, group } from "../metrics/metrics.ts";
import type { FlowTotals, Runs } from "../store/flows/runs.ts";
import { type FlowCounts, OVERHEAD_BUCKETS } from "./engine/counts.ts";

export interface FlowMetricsOptions {
  readonly runs: Pick<Runs, "totals">;
  /** Undefined until the engine is there. */
  readonly counts: () => FlowCounts | undefined;
  /** Spans that were not exported. */
  readonly spansDropped: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Time for which what was read of the store is used again, in milliseconds. */
const FRESH_MS = 1_000;

/** The metrics of flows. */
export class FlowMetrics {
  readonly #options: FlowMetricsOptions;
  #read: { readonly at: number; readonly totals: Promise<readonly FlowTotals[]> } | undefined;

  constructor(options: FlowMetricsOptions) {
    this.#options = options;
  }

  /** Without samples of the store while it cannot be reached. */
  async groups(): Promise<readonly Group[]> {
    const { runs, counts, spansDropped, now } = this.#options;
    const at = now();
    if (this.#read === undefined || Math.abs(at - this.#read.at) >= FRESH_MS)
      this.#read = { at, totals: orNone(runs.totals()) };
    const engine = counts();
    const overhead = engine && { bounds: OVERHEAD_BUCKETS, ...engine.overhead };
    return [
      group(FLOW_RUN_FAMILIES, await this.#read.totals),
      group(
        ENGINE_FAMILIES,
        engine === undefined ? [] : [{ ...engine, overhead: overhead!, spansDropped: spansDropped() }],
      ),
    ];
  }
}

async function orNone<T>(read: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await read;
  } catch (error) {
    if (isAway(error)) return [];
    throw error;
  }
}
