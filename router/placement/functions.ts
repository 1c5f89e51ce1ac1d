import type { Limits } from "../../platform/limits.ts";
import type { Endpoints, Load, Traffic } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { chooseVersion } from "../../platform/traffic.ts";
import { Counters, type FunctionStats } from "../metrics/stats.ts";
import { type RouterPlatform, type VersionOptions, VersionState } from "./version.ts";

/** Most bytes that are read from an instance at once. */
const READ_BYTES = 64 * 1024;

export interface FunctionsOptions {
  readonly platform: RouterPlatform;
  readonly limits: Limits;
  /** Prints one line for people: what failed, and why. */
  readonly print: (line: string) => void;
}

/** The router's state of one function: which versions take its calls. */
export class FunctionState {
  readonly name: string;
  readonly counters = new Counters();
  readonly #options: VersionOptions;
  readonly #versions = new Map<number, VersionState>();
  #traffic: Traffic = [];
  #endpoints: Endpoints;

  constructor(endpoints: Endpoints, options: Omit<VersionOptions, "name" | "counters">) {
    this.name = endpoints.name;
    this.#options = { ...options, name: endpoints.name, counters: this.counters };
    this.#endpoints = endpoints;
    this.update(endpoints);
  }

  /** The version that takes the next call. @throws Problem `unknown_function` if no version takes calls */
  choose(): VersionState {
    const traffic = this.#traffic;
    const number = traffic.length === 1 ? traffic[0]!.version : chooseVersion(traffic, Math.random());
    const version = number === undefined ? undefined : (this.#versions.get(number) ?? this.#open(number));
    if (version !== undefined) return version;
    throw new Problem("unknown_function", `No version of the function "${this.name}" takes calls.`);
  }

  get isIdle(): boolean {
    for (const { inFlight } of this.#versions.values()) if (inFlight > 0) return false;
    return true;
  }

  version(number: number): VersionState | undefined {
    return this.#versions.get(number);
  }

  /** Takes over a new snapshot. */
  update(endpoints: Endpoints): void {
    this.#endpoints = endpoints;
    this.#traffic = endpoints.traffic;
    const listed = new Map(endpoints.versions.map((version) => [version.version, version]));
    for (const [number, state] of this.#versions) {
      const version = listed.get(number);
      if (version !== undefined) state.update(version);
      else {
        state.remove();
        if (state.inFlight === 0 && state.waiting === 0) this.#versions.delete(number);
      }
    }
    if (this.#traffic.length === 0) return;
    const takes = new Set(this.#traffic.map(({ version }) => version));
    for (const [number, state] of this.#versions) {
      if (!takes.has(number) && state.waiting > 0) state.moveWaiting(this.choose());
    }
  }

  /** The function is gone: calls that wait are refused, calls under way may finish. */
  remove(problem: Problem): void {
    this.#traffic = [];
    for (const version of this.#versions.values()) version.remove();
    this.refuseWaiting(problem);
  }

  refuseWaiting(problem: Problem): void {
    for (const version of this.#versions.values()) version.refuseWaiting(problem);
  }

  /** Breaks every call under way off. */
  destroy(reason: Error): void {
    for (const version of this.#versions.values()) version.destroy(reason);
  }

  stats(): FunctionStats {
    const { name, counters } = this;
    let [inFlight, waiting, ready] = [0, 0, 0];
    for (const version of this.#versions.values()) {
      inFlight += version.inFlight;
      waiting += version.waiting;
      ready += version.readyCount;
    }
    return { ...counters, name, inFlight, waiting, ready, versions: counters.versions.read() };
  }

  #open(number: number): VersionState | undefined {
    const endpoints = this.#endpoints.versions.find(({ version }) => version === number);
    if (endpoints === undefined) return undefined;
    const version = new VersionState(endpoints, this.#options);
    this.#versions.set(number, version);
    return version;
  }
}

/** The functions that were called, kept equal to the platform's endpoints. */
export class Functions {
  readonly #byName = new Map<string, FunctionState>();
  /** Removed functions whose last calls have not ended. */
  readonly #removed = new Set<FunctionState>();
  readonly #options: Omit<VersionOptions, "name" | "counters">;
  readonly #stopWatching: () => void;

  constructor({ platform, limits, print }: FunctionsOptions) {
    const reporting: RouterPlatform = {
      endpoints: (name) => platform.endpoints(name),
      watch: (listener) => platform.watch(listener),
      wake: (name, version) => platform.wake(name, version),
      report: (load) => platform.report(this.#withRemoved(load)),
    };
    const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#options = { platform: reporting, limits, print, readBuffer };
    this.#stopWatching = platform.watch((name, endpoints) => {
      const state = this.#byName.get(name);
      if (state === undefined) return;
      if (endpoints !== undefined) state.update(endpoints);
      else this.#remove(state);
    });
  }

  /** Undefined if there is no such function. Made at the first call, so that idle functions cost nothing. */
  get(name: string): FunctionState | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const endpoints = this.#options.platform.endpoints(name);
    if (endpoints === undefined) return undefined;
    const state = new FunctionState(endpoints, this.#options);
    this.#byName.set(name, state);
    return state;
  }

  #remove(state: FunctionState): void {
    this.#byName.delete(state.name);
    state.remove(unknownFunction(state.name));
    for (const each of this.#removed) if (each.isIdle) this.#removed.delete(each);
    if (!state.isIdle) this.#removed.add(state);
  }

  /** The platform still has the instances of a removed function, also when there is a new one of the same name. */
  #withRemoved(load: Load): Load {
    const { name, version } = load;
    const removed = [...this.#removed].flatMap((state) =>
      state.name === name ? (state.version(version) ?? []) : [],
    );
    if (removed.length === 0) return load;
    const current = this.#byName.get(name)?.version(version);
    const loads = [...removed, ...(current === undefined ? [] : [current])].map((state) => state.load);
    const { inFlight = 0, waiting = 0 } = current ?? {};
    const byInstance = () => new Map(loads.flatMap((each) => [...(each.byInstance?.() ?? [])]));
    return { name, version, inFlight, waiting, byInstance };
  }

  *stats(): Iterable<FunctionStats> {
    for (const state of this.#byName.values()) yield state.stats();
  }

  /** Refuses the calls that wait and breaks off those under way. */
  close(problem: Problem): void {
    this.#stopWatching();
    const states = [...this.#byName.values(), ...this.#removed];
    for (const state of states) state.refuseWaiting(problem);
    for (const state of states) state.destroy(problem);
  }
}

export function unknownFunction(name: string | undefined): Problem {
  if (!name) return new Problem("unknown_function", "The path names no function; call /fn/NAME.");
  const shown = name.slice(0, 80);
  return new Problem(
    "unknown_function",
    `There is no function "${shown}"; deploy it with POST /func?name=${shown}.`,
  );
}
