import { mergeStats, mergeTotals } from "../metrics/merge-stats.ts";
import type { FunctionStats, RouterTotals } from "../metrics/stats.ts";
import type { WorkerStats } from "./worker-process.ts";

/** What workers that have ended had counted, so that no counter ever goes back. */
export class EndedStats {
  #functions: readonly FunctionStats[] = [];
  #totals: RouterTotals = mergeTotals([]);

  /** What it counted stays, what it had under way is over. */
  add({ functions, totals }: WorkerStats): void {
    const over = functions.map((stats) => ({ ...stats, inFlight: 0, waiting: 0, ready: 0 }));
    this.#functions = mergeStats([this.#functions, over]);
    this.#totals = mergeTotals([this.#totals, totals]);
  }

  functionsWith(running: readonly WorkerStats[]): FunctionStats[] {
    return mergeStats([this.#functions, ...running.map(({ functions }) => functions)]);
  }

  totalsWith(running: readonly WorkerStats[]): RouterTotals {
    return mergeTotals([this.#totals, ...running.map(({ totals }) => totals)]);
  }
}
