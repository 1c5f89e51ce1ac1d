import type { InstanceLoad, Load } from "../../platform/platform.ts";
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
    const { name, inFlight, waiting, byInstance } = load;
    const byWorker = this.#byName.get(name) ?? new Map<number, WorkerLoad>();
    // Of a removed function there may be calls of instances alone.
    if (inFlight + waiting + byInstance.length > 0) byWorker.set(worker, load);
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
  const counts = new Map<string, InstanceLoad>();
  for (const load of byWorker.values()) {
    inFlight += load.inFlight;
    waiting += load.waiting;
    for (const [id, calls, streams] of load.byInstance) {
      const before = counts.get(id) ?? { calls: 0, streams: 0 };
      counts.set(id, { calls: before.calls + calls, streams: before.streams + streams });
    }
  }
  return { name, inFlight, waiting, byInstance: () => counts };
}
