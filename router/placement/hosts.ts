/** The host names of functions. */
export class Hosts {
  /** The functions that have host names; replaced at each change. */
  byName: ReadonlyMap<string, string> = new Map();
  readonly #byFunction = new Map<string, readonly string[]>();

  /** Sets the host names of a function. */
  set(name: string, hosts: readonly string[] = []): void {
    const before = this.#byFunction.get(name) ?? [];
    if (before.length === hosts.length && before.every((host, index) => host === hosts[index])) return;
    if (hosts.length > 0) this.#byFunction.set(name, hosts);
    else this.#byFunction.delete(name);
    const byName = new Map<string, string>();
    // Two managers, or `kubectl apply`, can give a name to two functions. Every router then chooses the same one.
    for (const each of [...this.#byFunction.keys()].sort().reverse()) {
      for (const host of this.#byFunction.get(each)!) byName.set(host, each);
    }
    this.byName = byName;
  }
}
