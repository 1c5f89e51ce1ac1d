import type { EndpointsTable } from "../endpoints-table.ts";
import type { Limits } from "../limits.ts";
import { LogBuffer } from "../log-buffer.ts";
import type {
  FunctionDescription,
  FunctionSummary,
  Load,
  LogLine,
  Traffic,
  VersionRecord,
} from "../platform.ts";
import { Problem } from "../problems.ts";
import { modeOf, placingOf } from "../settings/runtime.ts";
import { previousVersion } from "../traffic.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import type { RunningInstance } from "./instances/running-instance.ts";
import { KeptVersions } from "./kept-versions.ts";
import type { Failure } from "./scaling/failures.ts";
import type { FunctionRecord, FunctionRoute } from "./store/version-rows.ts";
import { type RunnerOptions, VersionRunner } from "./version-runner.ts";

export interface FunctionOptions {
  readonly endpoints: EndpointsTable;
  readonly limits: Limits;
  readonly start: RunnerOptions["start"];
  /** Receives printed lines. `isGone`: the function is being removed, so that nobody can read its log. */
  readonly onLine: (name: string, line: LogLine, isGone: boolean) => void;
  /** Reads the record of a stored version. */
  readonly read: (name: string, version: number) => Promise<VersionRecord | undefined>;
  /** Removes the files of a version that gets no new instances. */
  readonly retire: (record: VersionRecord) => Promise<void>;
}

/** One function: its versions, their traffic, its log, and a runner for each version with instances or traffic. */
export class LocalFunction {
  readonly name: string;
  createdAt = new Date();
  readonly versions = new KeptVersions();
  readonly log = new LogBuffer();
  readonly #errors: Failure[] = [];
  readonly #options: FunctionOptions;
  /** Includes versions that are being stored, and forgotten ones whose last calls are under way. */
  readonly #runners = new Map<number, VersionRunner>();
  readonly #after: number;
  #lastCommit: Promise<void> = Promise.resolve();
  /** Changes of the endpoints are gathered for one publication. */
  #isChanging = false;
  #ending = new AbortController();
  isEnded = false;

  /** @param after highest number that a version of a removed function of this name may have */
  constructor(name: string, after: number, options: FunctionOptions) {
    this.name = name;
    this.#after = after;
    this.#options = options;
  }

  /** Makes a stored function, with runners for the routed versions. */
  static adopt(record: FunctionRecord, options: FunctionOptions): LocalFunction {
    const adopted = new LocalFunction(record.name, 0, options);
    adopted.createdAt = record.createdAt;
    for (const version of record.versions) adopted.versions.add(version);
    for (const version of record.routed) adopted.#makeRunner(version);
    const { traffic, whole, rules } = record;
    adopted.setRoute({ traffic, whole, rules }, []);
    return adopted;
  }

  /** False until its first version is stored: only deploys can find it before. */
  get isStored(): boolean {
    return !this.versions.isEmpty;
  }

  /** Undefined before the first version, and while it is removed. */
  get currentVersion(): number | undefined {
    return this.isStored && !this.ending.aborted ? this.versions.current : undefined;
  }

  /** True if no version is stored or being stored. */
  get isUnused(): boolean {
    return !this.isStored && this.#runners.size === 0;
  }

  /** Load and ready instances of the routed versions. */
  get serving(): { readonly load: Pick<Load, "inFlight" | "waiting">; readonly ready: number } {
    const routed = [...this.#runners.values()].filter(({ isRouted }) => isRouted);
    const sum = (count: (runner: VersionRunner) => number) =>
      routed.reduce((total, runner) => total + count(runner), 0);
    const load = { inFlight: sum(({ load }) => load.inFlight), waiting: sum(({ load }) => load.waiting) };
    return { load, ready: sum(({ ready }) => ready.length) };
  }

  /** Most versions that can be pinned. */
  get mostPinned(): number {
    return this.#options.limits.versionsKept;
  }

  get runners(): Iterable<VersionRunner> {
    return this.#runners.values();
  }

  /** The newest version with a runner; 0 if there is none. */
  get newestRunner(): number {
    return Math.max(0, ...this.#runners.keys());
  }

  /** Aborted when the removal of the function begins. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** @param current record of the current version */
  summarize({ name, version, hash, createdAt: updatedAt }: VersionRecord): FunctionSummary {
    const ready = this.runner(version)?.ready.length ?? 0;
    return { name, version, hash, createdAt: this.createdAt, updatedAt, ready };
  }

  /**
   * Describes the function; undefined if it was removed in the meantime.
   * @param versions its stored versions
   */
  describe(
    versions: readonly VersionRecord[],
    isolation: NonNullable<FunctionDescription["isolation"]>,
  ): FunctionDescription | undefined {
    const current = versions.find(({ version }) => version === this.versions.current);
    if (current === undefined) return undefined;
    const runners = [...this.#runners.values()];
    const routed = runners.filter(({ isRouted }) => isRouted);
    const [notReady] = routed.flatMap((runner) => runner.supply.notReady(performance.now()) ?? []);
    return {
      ...this.summarize(current),
      settings: this.runner(current.version)?.settings ?? current.settings,
      traffic: this.versions.traffic,
      ...this.versions.route.rules,
      previous: previousVersion(this.versions.route),
      versions: versions.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
      instances: runners.flatMap((runner) => runner.describe()),
      lastErrors: this.#errors,
      isolation,
      ...(notReady === undefined ? {} : { notReady }),
    };
  }

  runner(version: number): VersionRunner | undefined {
    return this.#runners.get(version);
  }

  /** @throws Problem `unknown_version` */
  async runnerOf(version: number): Promise<VersionRunner> {
    const needsRecord = this.versions.has(version) && !this.#runners.has(version);
    const record = needsRecord ? await this.#options.read(this.name, version) : undefined;
    this.mustHave(version);
    // Another call may have made it in the meantime.
    return this.#runners.get(version) ?? this.#makeRunner(record!);
  }

  /** @throws Problem `unknown_version` */
  mustHave(version: number): void {
    if (!this.versions.has(version)) throw unknownVersion(this.name, version);
  }

  /** Keeps versions from being forgotten, drained and scaled in until the returned function is called. */
  hold(versions: readonly number[]): () => void {
    this.versions.hold(versions);
    return () => {
      this.versions.release(versions);
      this.#routeRunners();
    };
  }

  /** Makes a runner for a new version and gives it the next number. */
  begin(draft: Omit<VersionRecord, "version">): VersionRunner {
    const version = Math.max(this.versions.newest, this.newestRunner, this.#after) + 1;
    return this.#makeRunner({ ...draft, version });
  }

  /** Removes the runner of a version that was not stored or needs none. */
  drop({ record }: VersionRunner): Promise<void> {
    this.#runners.delete(record.version);
    return this.#options.retire(record);
  }

  /** Runs a commit of the traffic after the commits before it: each one sees the traffic that the last one left. */
  inOrder(commit: () => Promise<void>): Promise<void> {
    const done = this.#lastCommit.then(commit);
    this.#lastCommit = done.catch(() => {});
    return done;
  }

  /** Applies the commit of a version: `started` serve from now on, and the versions `forget` are removed. */
  added(runner: VersionRunner, started: readonly RunningInstance[], forget: readonly number[]): void {
    const { version, createdAt } = runner.record;
    if (!this.isStored) this.createdAt = createdAt;
    this.#change(() => {
      const { settings } = runner;
      const placing = placingOf({ ...settings, mode: modeOf(settings) });
      this.versions.add({ ...settings, ...placing, version, pinned: false });
      runner.take(started);
      this.#forget(forget);
    });
  }

  /** Applies the commit of a route in one step, and removes the versions `forget`. */
  setRoute(route: FunctionRoute, forget: readonly number[]): void {
    this.#change(() => {
      this.versions.route = route;
      this.#routeRunners();
      this.#forget(forget);
    });
  }

  /** Returns the versions over the limit after a change of the traffic or with a newer version. */
  toForget(change: { readonly traffic?: Traffic; readonly newest?: number }): number[] {
    return this.versions.over(this.#options.limits.versionsKept, change);
  }

  report(load: Load): void {
    this.#runners.get(load.version)?.report(load);
  }

  tick(nowMs: number): void {
    for (const [version, runner] of this.#runners) {
      // A change under way relies on the instances of the versions that it holds.
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

  /** Rejects changes under way, and new ones until `resume`. */
  beginRemoval(): void {
    this.#ending.abort(removed(this.name));
  }

  /** Accepts changes again after a failed removal. */
  resume(): void {
    this.#ending = new AbortController();
  }

  /** Ends every instance and rejects waiting wakes with `why`. See VersionRunner.close. */
  async end(why: Problem, graceMs?: number): Promise<void> {
    this.isEnded = true;
    await Promise.all([...this.#runners.values()].map((runner) => runner.close(why, graceMs)));
    this.log.close();
  }

  /** Applies the traffic to every runner. A held version keeps its instances. */
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
      // Its instances finish the calls under way. `tick` drops the runner after that.
      void this.#runners.get(version)?.close(unknownVersion(this.name, version));
    }
  }

  #makeRunner(record: VersionRecord): VersionRunner {
    const { limits, start, onLine } = this.#options;
    const { settings } = record;
    // The limit of instances may be lower than when the version was made.
    const max = Math.min(settings.max, limits.instancesPerFunction);
    const runner: VersionRunner = new VersionRunner({
      record,
      settings: { ...settings, max, min: Math.min(settings.min, max) },
      streamIdleMs: limits.streamIdleMs,
      start,
      errors: this.#errors,
      onLine: (line) => {
        this.log.push(line);
        onLine(this.name, line, this.ending.aborted);
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
    if (this.isEnded || this.#isChanging) return;
    this.#options.endpoints.set(this.versions.endpoints(this.name));
  }
}

export function unknownVersion(name: string, version: number): Problem {
  return new Problem("unknown_version", `The function "${name}" has no version ${version}.`);
}

export function removed(name: string): Problem {
  return new Problem("unknown_function", `The function "${name}" was removed.`);
}
