import { EndpointsTable } from "../../platform/endpoints-table.ts";
import type { Endpoints, Load, WakeStep } from "../../platform/platform.ts";
import type { RouterPlatform } from "../placement/version.ts";
import type { Channel } from "./channel.ts";
import { keyOf, type PrimaryMethods, type WorkerLoad } from "./protocol.ts";

/** Time between two checks for changes of load, in milliseconds. */
const REFRESH_MS = 100;

/** The platform of a worker: a copy of all endpoints, and calls to the primary, which owns the platform. */
export class WorkerPlatform extends EndpointsTable implements RouterPlatform {
  readonly #primary: Channel<PrimaryMethods>;
  readonly #reported = new Map<string, Load>();
  /** Loads of versions with calls. */
  readonly #sent = new Map<string, WorkerLoad>();
  #refresh: NodeJS.Timeout | undefined;

  constructor(primary: Channel<PrimaryMethods>) {
    super();
    this.#primary = primary;
  }

  endpoints(name: string): Endpoints | undefined {
    return this.get(name);
  }

  allEndpoints(): Iterable<Endpoints> {
    return this.all();
  }

  async wake(name: string, version: number): Promise<readonly WakeStep[]> {
    return (await this.#primary.ask("wake", { name, version })) ?? [];
  }

  /** Sends an increase at once, because it may need another instance, and other changes within 100 ms. */
  report(load: Load): void {
    this.#reported.set(keyOf(load), load);
    const { inFlight, waiting } = this.#sent.get(keyOf(load)) ?? { inFlight: 0, waiting: 0 };
    if (load.inFlight + load.waiting > inFlight + waiting) this.#send([load]);
    this.#refresh ??= setTimeout(() => this.#sendChanges(), REFRESH_MS);
  }

  #sendChanges(): void {
    this.#send([...this.#reported.values()]);
    for (const key of this.#reported.keys()) if (!this.#sent.has(key)) this.#reported.delete(key);
    this.#refresh = this.#sent.size > 0 ? setTimeout(() => this.#sendChanges(), REFRESH_MS) : undefined;
  }

  #send(loads: readonly Load[]): void {
    const before = (load: WorkerLoad) => JSON.stringify(this.#sent.get(keyOf(load)));
    const changed = loads.map(readLoad).filter((load) => JSON.stringify(load) !== before(load));
    for (const load of changed) {
      if (load.waiting + load.byInstance.length > 0) this.#sent.set(keyOf(load), load);
      else this.#sent.delete(keyOf(load));
    }
    if (changed.length > 0) void this.#primary.ask("report", changed);
  }
}

function readLoad({ name, version, waiting, byInstance }: Load): WorkerLoad {
  const instances = [...(byInstance?.() ?? [])];
  const inFlight = instances.reduce((sum, [, { calls }]) => sum + calls, 0);
  return { name, version, inFlight, waiting, byInstance: instances };
}
