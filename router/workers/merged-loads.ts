import type { InstanceLoad, Load } from "../../platform/platform.ts";
import type { WorkerLoad } from "./worker-messages.ts";

/** The loads that workers report, added up to what one router would report. */
export class MergedLoads {
  readonly #report: (load: Load) => void;
  /** By version of a function, then by worker; nothing of a version without calls. */
  readonly #byVersion = new Map<string, Map<number, WorkerLoad>>();

  constructor(report: (load: Load) => void) {
    this.#report = report;
  }

  take(worker: number, load: WorkerLoad): void {
    const { name, version, inFlight, waiting, byInstance } = load;
    const key = `${name} ${version}`;
    const byWorker = this.#byVersion.get(key) ?? new Map<number, WorkerLoad>();
    // Of a removed function there may be calls of instances alone.
    if (inFlight + waiting + byInstance.length > 0) byWorker.set(worker, load);
    else byWorker.delete(worker);
    if (byWorker.size > 0) this.#byVersion.set(key, byWorker);
    else this.#byVersion.delete(key);
    this.#report(sumOf({ name, version }, byWorker));
  }

  /** The calls of a worker that has ended are over. */
  remove(worker: number): void {
    for (const [key, byWorker] of this.#byVersion) {
      const load = byWorker.get(worker);
      if (load === undefined) continue;
      byWorker.delete(worker);
      if (byWorker.size === 0) this.#byVersion.delete(key);
      this.#report(sumOf(load, byWorker));
    }
  }
}

function sumOf(
  { name, version }: Pick<Load, "name" | "version">,
  byWorker: ReadonlyMap<number, WorkerLoad>,
): Load {
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
  return { name, version, inFlight, waiting, byInstance: () => counts };
}
