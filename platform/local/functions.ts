import type { Load, VersionRecord } from "../platform.ts";
import { Problem } from "../problems.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import { type FunctionOptions, LocalFunction, removed } from "./function.ts";
import type { FunctionRecord } from "./store/store-database.ts";

/** All functions of this machine, also those that are about to be, and removed ones whose last calls are under way. */
export class Functions {
  readonly #options: FunctionOptions;
  readonly #byName = new Map<string, LocalFunction>();
  readonly #removed = new Set<LocalFunction>();

  constructor(records: readonly FunctionRecord[], options: FunctionOptions) {
    this.#options = options;
    for (const record of records) this.#byName.set(record.name, LocalFunction.adopt(record, options));
  }

  /** Also one whose first version is being stored. */
  find(name: string): LocalFunction | undefined {
    return this.#byName.get(name);
  }

  /** @throws Problem `unknown_function` */
  get(name: string): LocalFunction {
    const fn = this.#byName.get(name);
    if (fn?.isStored) return fn;
    throw new Problem("unknown_function", `There is no function "${name}".`);
  }

  /** In order of name, after the name `after`, at most `limit` of them. */
  page(after: string, limit: number): LocalFunction[] {
    const stored = [...this.#byName.values()].filter((fn) => fn.isStored && fn.name > after);
    return stored.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
  }

  add(name: string): LocalFunction {
    const before = [...this.#removed].filter((fn) => fn.name === name);
    const after = Math.max(0, ...before.map(({ newestRunner }) => newestRunner));
    const fn = new LocalFunction({ name, after }, this.#options);
    this.#byName.set(name, fn);
    return fn;
  }

  /** Takes out a function of which nothing could be stored. */
  deleteUnused(fn: LocalFunction): void {
    if (fn.isUnused && this.#byName.get(fn.name) === fn) this.#byName.delete(fn.name);
  }

  /** Takes a removed function out. Resolves when its last calls have ended. */
  async remove(fn: LocalFunction): Promise<void> {
    this.#byName.delete(fn.name);
    this.#options.endpoints.delete(fn.name);
    this.#removed.add(fn);
    await fn.end(removed(fn.name));
    await Promise.all([...fn.runners].map((runner) => fn.drop(runner)));
    this.#removed.delete(fn);
  }

  /** The record of a stored version, without reading the disk where it has a runner. */
  async record(fn: LocalFunction, version: number): Promise<VersionRecord | undefined> {
    if (!fn.versions.has(version)) return undefined;
    return fn.runner(version)?.record ?? (await this.#options.read(fn.name, version));
  }

  report(load: Load): void {
    this.#byName.get(load.name)?.report(load);
    // The instances of a removed function finish the calls that routers still know.
    for (const fn of this.#removed) if (fn.name === load.name) fn.report(load);
  }

  tick(nowMs: number): void {
    for (const fn of this.#all()) fn.tick(nowMs);
  }

  /** Instances that calls do not need. */
  *idle(nowMs: number): Iterable<EvictableInstance> {
    for (const fn of this.#byName.values()) yield* fn.idle(nowMs);
  }

  async close(why: Problem, drainMs: number): Promise<void> {
    const { endpoints } = this.#options;
    for (const { name, traffic, versions } of endpoints.all()) {
      endpoints.set({ name, traffic, versions: versions.map((version) => ({ ...version, instances: [] })) });
    }
    await Promise.all([...this.#all()].map((fn) => fn.end(why, drainMs)));
  }

  *#all(): Iterable<LocalFunction> {
    yield* this.#byName.values();
    yield* this.#removed;
  }
}
