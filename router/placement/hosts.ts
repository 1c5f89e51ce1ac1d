/** The host names of functions. */
export class Hosts {
  /** The functions that have host names. */
  readonly byName: ReadonlyMap<string, string>;
  /** Grows with each change of `byName`. */
  revision = 0;
  readonly #byName = new Map<string, string>();
  readonly #byFunction = new Map<string, readonly string[]>();
  /** Two managers, or `kubectl apply`, can give a name to several functions. */
  readonly #claims = new Map<string, Set<string>>();

  constructor() {
    // A field, because every call reads it.
    this.byName = this.#byName;
  }

  /** Sets the host names of a function. */
  set(name: string, hosts: readonly string[] = []): void {
    const before = this.#byFunction.get(name) ?? [];
    if (before.length === hosts.length && before.every((host, index) => host === hosts[index])) return;
    if (hosts.length > 0) this.#byFunction.set(name, hosts);
    else this.#byFunction.delete(name);
    for (const host of before) this.#claims.get(host)?.delete(name);
    for (const host of hosts) {
      const names = this.#claims.get(host) ?? new Set();
      this.#claims.set(host, names.add(name));
    }
    for (const host of [...before, ...hosts]) this.#choose(host);
    this.revision++;
  }

  /** Every router chooses the same function: the first one by name. */
  #choose(host: string): void {
    const [first] = [...(this.#claims.get(host) ?? [])].sort();
    if (first !== undefined) {
      this.#byName.set(host, first);
      return;
    }
    this.#byName.delete(host);
    this.#claims.delete(host);
  }
}
