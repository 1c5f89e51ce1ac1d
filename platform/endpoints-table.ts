import type { Endpoints, EndpointsListener } from "./platform.ts";

/** Holds the endpoints of all functions in memory and notifies listeners of every change. */
export class EndpointsTable {
  readonly #byName = new Map<string, Endpoints>();
  readonly #listeners = new Set<EndpointsListener>();

  get(name: string): Endpoints | undefined {
    return this.#byName.get(name);
  }

  all(): Iterable<Endpoints> {
    return this.#byName.values();
  }

  set(endpoints: Endpoints): void {
    this.#byName.set(endpoints.name, endpoints);
    this.#notify(endpoints.name, endpoints);
  }

  delete(name: string): void {
    if (this.#byName.delete(name)) this.#notify(name, undefined);
  }

  watch(listener: EndpointsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #notify(name: string, endpoints: Endpoints | undefined): void {
    for (const listener of this.#listeners) listener(name, endpoints);
  }
}
