import type { EndpointsTable } from "../endpoints-table.ts";
import type { Limits } from "../limits.ts";
import { LogBuffer } from "../log-buffer.ts";
import type { Load, LogLine, Traffic, VersionRecord } from "../platform.ts";
import { Problem } from "../problems.ts";
import type { Settings } from "../settings.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import type { RunningInstance } from "./instances/running-instance.ts";
import { KeptVersions } from "./kept-versions.ts";
import { FailureList } from "./scaling/failures.ts";
import type { FunctionRecord } from "./store/store-database.ts";
import { type RunnerOptions, VersionRunner } from "./version-runner.ts";

export interface NewFunction {
  readonly name: string;
  /** Numbers up to this one may be those of versions of a function of this name that was removed. */
  readonly after: number;
}

export interface FunctionOptions {
  readonly endpoints: EndpointsTable;
  readonly limits: Limits;
  readonly start: RunnerOptions["start"];
  readonly onLine: (name: string, line: LogLine) => void;
  /** Reads the record of a stored version. */
  readonly read: (name: string, version: number) => Promise<VersionRecord | undefined>;
  /** Nothing starts the version any more. */
  readonly retire: (record: VersionRecord) => Promise<void>;
}

/**
 * One function: its versions, their traffic, its log, and a runner for each version that has instances or takes calls.
 */
export class LocalFunction {
  readonly name: string;
  createdAt = new Date();
  readonly versions = new KeptVersions();
  readonly log = new LogBuffer();
  readonly errors = new FailureList();
  readonly #options: FunctionOptions;
  /** Also of versions that are about to be stored, and of forgotten ones whose last calls are under way. */
  readonly #runners = new Map<number, VersionRunner>();
  readonly #after: number;
  /** Changes of the endpoints are gathered for one publication. */
  #isChanging = false;
  #ending = new AbortController();
  #isEnded = false;

  constructor({ name, after }: NewFunction, options: FunctionOptions) {
    this.name = name;
    this.#after = after;
    this.#options = options;
  }

  /** A function as it was stored, with runners for the versions that take calls. */
  static adopt(record: FunctionRecord, options: FunctionOptions): LocalFunction {
    const adopted = new LocalFunction({ name: record.name, after: 0 }, options);
    adopted.createdAt = record.createdAt;
    for (const version of record.versions) adopted.versions.add(version);
    for (const version of record.routed) adopted.#makeRunner(version);
    adopted.setTraffic(record.traffic, []);
    return adopted;
  }

  /** False until its first version is stored: until then it does not exist for anybody else. */
  get isStored(): boolean {
    return !this.versions.isEmpty;
  }

  /** True if nothing is stored or about to be. */
  get isUnused(): boolean {
    return !this.isStored && this.#runners.size === 0;
  }

  /** The load of the versions that take calls, and their ready instances. */
  get serving(): { readonly load: Pick<Load, "inFlight" | "waiting">; readonly ready: number } {
    const routed = [...this.#runners.values()].filter(({ isRouted }) => isRouted);
    const sum = (count: (runner: VersionRunner) => number) =>
      routed.reduce((total, runner) => total + count(runner), 0);
    const load = { inFlight: sum(({ load }) => load.inFlight), waiting: sum(({ load }) => load.waiting) };
    return { load, ready: sum(({ ready }) => ready.length) };
  }

  get runners(): Iterable<VersionRunner> {
    return this.#runners.values();
  }

  /** The newest version that may have instances; 0 if there is none. */
  get newestRunner(): number {
    return Math.max(0, ...this.#runners.keys());
  }

  /** Aborted when the function is being removed. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  runner(version: number): VersionRunner | undefined {
    return this.#runners.get(version);
  }

  /** @throws Problem `unknown_version` */
  async runnerOf(version: number): Promise<VersionRunner> {
    const needsRecord = this.versions.has(version) && !this.#runners.has(version);
    const record = needsRecord ? await this.#options.read(this.name, version) : undefined;
    if (!this.versions.has(version)) throw unknownVersion(this.name, version);
    // Another call may have made it meanwhile.
    return this.#runners.get(version) ?? this.#makeRunner(record!);
  }

  /** Keeps versions from being forgotten, drained and scaled in until the returned function is called. */
  hold(versions: readonly number[]): () => void {
    this.versions.hold(versions);
    return () => {
      this.versions.release(versions);
      this.#routeRunners();
    };
  }

  /** A runner for a version that is to be stored, with the next number. */
  begin(draft: Omit<VersionRecord, "version">): VersionRunner {
    const version = Math.max(this.versions.newest, this.newestRunner, this.#after) + 1;
    return this.#makeRunner({ ...draft, version });
  }

  /** Its version could not be stored, or needs no runner. */
  drop({ record }: VersionRunner): Promise<void> {
    this.#runners.delete(record.version);
    return this.#options.retire(record);
  }

  /** The version is stored, and those of `forget` are not any more. `started` serve from now on. */
  added(runner: VersionRunner, started: readonly RunningInstance[], forget: readonly number[]): void {
    const { version, createdAt } = runner.record;
    if (!this.isStored) this.createdAt = createdAt;
    this.#change(() => {
      this.versions.add({ ...runner.settings, version });
      runner.take(started);
      this.#forget(forget);
    });
  }

  /** The traffic is stored, and the versions of `forget` are not any more. Calls change over in one step. */
  setTraffic(traffic: Traffic, forget: readonly number[]): void {
    this.#change(() => {
      this.versions.traffic = traffic;
      this.#routeRunners();
      this.#forget(forget);
    });
  }

  /** Versions over the limit when `traffic` is the traffic and `newest` the newest version. */
  toForget(change: { readonly traffic?: Traffic; readonly newest?: number }): number[] {
    return this.versions.over(this.#options.limits.versionsKept, change);
  }

  report(load: Load): void {
    this.#runners.get(load.version)?.report(load);
  }

  tick(nowMs: number): void {
    for (const [version, runner] of this.#runners) {
      // A change counts on the instances that are there.
      if (this.versions.isHeld(version)) continue;
      if (runner.isActive) runner.tick(nowMs);
      if (runner.isUnused(nowMs)) void this.drop(runner);
    }
  }

  /** Instances that calls do not need. */
  *idle(nowMs: number): Iterable<EvictableInstance> {
    for (const [version, runner] of this.#runners) {
      if (!this.versions.isHeld(version)) yield* runner.idle(nowMs);
    }
  }

  /** Rejects changes that are under way, and those that begin from now on until `resume`. */
  beginRemoval(): void {
    this.#ending.abort(removed(this.name));
  }

  /** It could not be removed. */
  resume(): void {
    this.#ending = new AbortController();
  }

  /** Stops every instance; those who wait are rejected with `why`. See VersionRunner.close. */
  async end(why: Problem, graceMs?: number): Promise<void> {
    this.#isEnded = true;
    await Promise.all([...this.#runners.values()].map((runner) => runner.close(why, graceMs)));
    this.log.close();
  }

  /** Every runner knows whether it has traffic; one that has lost it drains, unless it is held. */
  #routeRunners(): void {
    for (const [version, runner] of this.#runners) {
      const isRouted = this.versions.isRouted(version);
      if (isRouted === runner.isRouted) continue;
      if (isRouted || !this.versions.isHeld(version)) runner.route(isRouted);
    }
  }

  #forget(versions: readonly number[]): void {
    for (const version of versions) {
      this.versions.delete(version);
      // Its instances finish the calls under way; `tick` drops it when they have ended.
      void this.#runners.get(version)?.close(unknownVersion(this.name, version));
    }
  }

  #makeRunner(record: VersionRecord): VersionRunner {
    const { limits, start, onLine } = this.#options;
    const runner: VersionRunner = new VersionRunner({
      record,
      settings: bounded(record.settings, limits),
      streamIdleMs: limits.streamIdleMs,
      start,
      errors: this.errors,
      onLine: (line) => {
        this.log.push(line);
        onLine(this.name, line);
      },
      onChange: () => {
        if (this.versions.setInstances(record.version, runner.ready)) this.#publish();
      },
    });
    this.#runners.set(record.version, runner);
    return runner;
  }

  #change(change: () => void): void {
    this.#isChanging = true;
    change();
    this.#isChanging = false;
    this.#publish();
  }

  #publish(): void {
    if (this.#isEnded || this.#isChanging) return;
    this.#options.endpoints.set(this.versions.endpoints(this.name));
  }
}

/** The limit of instances may have been lowered since the version was made. */
function bounded(settings: Settings, { instancesPerFunction }: Limits): Settings {
  const max = Math.min(settings.max, instancesPerFunction);
  return { ...settings, max, min: Math.min(settings.min, max) };
}

export function unknownVersion(name: string, version: number): Problem {
  return new Problem("unknown_version", `The function "${name}" has no version ${version}.`);
}

export function removed(name: string): Problem {
  return new Problem("unknown_function", `The function "${name}" was removed.`);
}
