import { EndpointsTable } from "../../platform/endpoints-table.ts";
import type { Endpoints, EndpointsListener, Load, WakeStep } from "../../platform/platform.ts";
import type { RouterPlatform } from "../placement/version.ts";
import type { FromWorker, InstanceCount, WorkerLoad } from "./worker-messages.ts";

/** Time after which the calls of each instance are told anew where they changed, in milliseconds. */
const REFRESH_MS = 100;

interface ToldLoad {
  readonly load: Load;
  told: string;
}

/** The platform as a worker sees it: a copy of the endpoints, and messages to the process that has the platform. */
export class WorkerPlatform implements RouterPlatform {
  readonly #send: (message: FromWorker) => void;
  readonly #endpoints = new EndpointsTable();
  readonly #waking = new Map<number, PromiseWithResolvers<readonly WakeStep[]>>();
  /** Of versions that have calls. */
  readonly #loads = new Map<string, ToldLoad>();
  #wakes = 0;
  #refresh: NodeJS.Timeout | undefined;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  endpoints(name: string): Endpoints | undefined {
    return this.#endpoints.get(name);
  }

  watch(listener: EndpointsListener): () => void {
    return this.#endpoints.watch(listener);
  }

  wake(name: string, version: number): Promise<readonly WakeStep[]> {
    const id = ++this.#wakes;
    const woken = Promise.withResolvers<readonly WakeStep[]>();
    this.#waking.set(id, woken);
    this.#send({ type: "wake", id, name, version });
    return woken.promise;
  }

  /**
   * What a route reports is told at once. It does so where one router would need another instance; several of them
   * together do elsewhere, and which instances are idle changes all the time: that is looked at now and then.
   */
  report(load: Load): void {
    const data = { ...load, byInstance: countByInstance(load) };
    this.#send({ type: "loads", loads: [data] });
    const key = `${load.name} ${load.version}`;
    if (load.inFlight + load.waiting + data.byInstance.length === 0) this.#loads.delete(key);
    else this.#loads.set(key, { load, told: JSON.stringify(data) });
    this.#refresh ??= setTimeout(() => this.#tellChanges(), REFRESH_MS);
  }

  /** Takes over a change of the endpoints. */
  update(name: string, endpoints: Endpoints | undefined): void {
    if (endpoints !== undefined) this.#endpoints.set(endpoints);
    else this.#endpoints.delete(name);
  }

  woken(id: number, result: readonly WakeStep[] | Error): void {
    const waiting = this.#waking.get(id);
    this.#waking.delete(id);
    if (result instanceof Error) waiting?.reject(result);
    else waiting?.resolve(result);
  }

  close(): void {
    clearTimeout(this.#refresh);
  }

  #tellChanges(): void {
    this.#refresh = this.#loads.size > 0 ? setTimeout(() => this.#tellChanges(), REFRESH_MS) : undefined;
    const loads: WorkerLoad[] = [];
    for (const entry of this.#loads.values()) {
      const { name, version, waiting } = entry.load;
      const byInstance = countByInstance(entry.load);
      const inFlight = byInstance.reduce((sum, [, calls]) => sum + calls, 0);
      const data = { name, version, inFlight, waiting, byInstance };
      const text = JSON.stringify(data);
      if (text === entry.told) continue;
      entry.told = text;
      loads.push(data);
    }
    if (loads.length > 0) this.#send({ type: "loads", loads });
  }
}

function countByInstance({ byInstance }: Load): InstanceCount[] {
  return [...(byInstance?.() ?? [])].map(([id, { calls, streams }]) => [id, calls, streams]);
}
