import type { FunctionSummary, Load, VersionRecord } from "../platform.ts";
import { Problem } from "../problems.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import { type FunctionOptions, LocalFunction, removed } from "./function.ts";
import type { FunctionRecord } from "./store/version-rows.ts";

/** All functions of this machine, including new ones without a version and removed ones with calls under way. */
export class Functions {
  readonly #options: FunctionOptions;
  readonly #byName = new Map<string, LocalFunction>();
  readonly #removed = new Set<LocalFunction>();

  constructor(records: readonly FunctionRecord[], options: FunctionOptions) {
    this.#options = options;
    for (const record of records) this.#byName.set(record.name, LocalFunction.adopt(record, options));
  }

  /** Finds a function, including one whose first version is being stored. */
  find(name: string): LocalFunction | undefined {
    return this.#byName.get(name);
  }

  /** @throws Problem `unknown_function` */
  get(name: string): LocalFunction {
    const fn = this.#byName.get(name);
    if (fn?.isStored) return fn;
    throw new Problem("unknown_function", `There is no function "${name}".`);
  }

  /** Lists at most `limit` functions after the name `after`, in order of name. */
  async list(after: string, limit: number): Promise<FunctionSummary[]> {
    const stored = [...this.#byName.values()].filter((fn) => fn.isStored && fn.name > after);
    const page = stored.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
    const current = await Promise.all(page.map((fn) => this.record(fn, fn.versions.current)));
    // A function that was removed in the meantime has no record.
    return page.flatMap((fn, index) => (current[index] ? fn.summarize(current[index]) : []));
  }

  add(name: string): LocalFunction {
    const before = [...this.#removed].filter((fn) => fn.name === name);
    const after = Math.max(0, ...before.map(({ newestRunner }) => newestRunner));
    const fn = new LocalFunction(name, after, this.#options);
    this.#byName.set(name, fn);
    return fn;
  }

  /** Deletes a function whose first version was not stored. */
  deleteUnused(fn: LocalFunction): void {
    if (fn.isUnused && this.#byName.get(fn.name) === fn) this.#byName.delete(fn.name);
  }

  /** Deletes a removed function. Resolves when its last calls have ended. */
  async remove(fn: LocalFunction): Promise<void> {
    this.#byName.delete(fn.name);
    this.#options.endpoints.delete(fn.name);
    this.#removed.add(fn);
    await fn.end(removed(fn.name));
    await Promise.all([...fn.runners].map((runner) => fn.drop(runner)));
    this.#removed.delete(fn);
  }

  /** Returns the record of a stored version. A version with a runner needs no read from the disk. */
  async record(fn: LocalFunction, version: number): Promise<VersionRecord | undefined> {
    if (!fn.versions.has(version)) return undefined;
    const known = fn.runner(version)?.record;
    if (known === undefined) return await this.#options.read(fn.name, version);
    return { ...known, pinned: fn.versions.isPinned(version) };
  }

  report(load: Load): void {
    this.#byName.get(load.name)?.report(load);
    // Routers still report the calls that a removed function finishes.
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
