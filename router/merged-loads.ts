import type { Load } from "../platform/platform.ts";
import type { WorkerLoad } from "./worker-messages.ts";

/** The loads that workers report, added up to what one router would report. */
export class MergedLoads {
  readonly #report: (load: Load) => void;
  /** By function, then by worker; nothing of a function without calls. */
  readonly #byName = new Map<string, Map<number, WorkerLoad>>();

  constructor(report: (load: Load) => void) {
    this.#report = report;
  }

  take(worker: number, load: WorkerLoad): void {
    const { name, inFlight, waiting } = load;
    const byWorker = this.#byName.get(name) ?? new Map<number, WorkerLoad>();
    if (inFlight + waiting > 0) byWorker.set(worker, load);
    else byWorker.delete(worker);
    if (byWorker.size > 0) this.#byName.set(name, byWorker);
    else this.#byName.delete(name);
    this.#report(sumOf(name, byWorker));
  }

  /** The calls of a worker that has ended are over. */
  remove(worker: number): void {
    for (const [name, byWorker] of this.#byName) {
      if (!byWorker.delete(worker)) continue;
      if (byWorker.size === 0) this.#byName.delete(name);
      this.#report(sumOf(name, byWorker));
    }
  }
}

function sumOf(name: string, byWorker: ReadonlyMap<number, WorkerLoad>): Load {
  let inFlight = 0;
  let waiting = 0;
  const counts = new Map<string, number>();
  for (const load of byWorker.values()) {
    inFlight += load.inFlight;
    waiting += load.waiting;
    for (const [id, count] of load.onInstance) counts.set(id, (counts.get(id) ?? 0) + count);
  }
  return { name, inFlight, waiting, onInstance: (id) => counts.get(id) ?? 0 };
}
