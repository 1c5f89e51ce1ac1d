import { unknownVersion } from "../../http/request-problems.ts";
import type { Endpoints, Load } from "../../platform/platform.ts";
import { Problem, unknownFunction } from "../../platform/problems.ts";
import type { FunctionAccess } from "../../platform/settings/settings.ts";
import { chooseSticky } from "../../platform/sticky.ts";
import { chooseVersion, currentVersion } from "../../platform/traffic.ts";
import type { PreparedRequest, RequestHead } from "../exchange/request.ts";
import { stickyValue } from "../exchange/sticky-value.ts";
import { Counters, type FunctionStats } from "../metrics/stats.ts";
import type { Gate } from "../quota/gate.ts";
import { Gates } from "../quota/gates.ts";
import { UsageSheet } from "../usage/usage-sheet.ts";
import { Hosts } from "./hosts.ts";
import { type FunctionsOptions, type VersionOptions, VersionState } from "./version.ts";

/** Multiples of it, modulo 1, fill the range from 0 to 1 evenly, however many there are. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;
/** Most bytes that are read from an instance at once. */
const READ_BYTES = 64 * 1024;

interface SharedOptions extends Omit<VersionOptions, "name" | "counters" | "onUnused"> {
  readonly gates: Gates;
}

/** The router's state of one function: the versions that take its calls. */
export class FunctionState {
  readonly name: string;
  readonly counters = new Counters();
  readonly #options: VersionOptions & Pick<SharedOptions, "gates">;
  readonly #versions = new Map<number, VersionState>();
  #endpoints: Endpoints;
  /** Undefined without a quota. */
  gate: Gate | undefined;
  /** Place in a sequence of even steps, from 0 to 1. */
  #turn = Math.random();
  #isRemoved = false;
  /** The reason why no version takes calls any more. */
  #refusal: Problem | undefined;

  /** @param onIdle called when the last call of the removed function has ended */
  constructor(endpoints: Endpoints, options: SharedOptions, onIdle: (state: FunctionState) => void) {
    this.name = endpoints.name;
    const onUnused = ({ version }: VersionState) => {
      this.#versions.delete(version);
      if (this.#isRemoved && this.isIdle) onIdle(this);
    };
    this.#options = { ...options, name: endpoints.name, counters: this.counters, onUnused };
    this.#endpoints = endpoints;
    this.gate = this.#gateOf(endpoints);
  }

  /**
   * Returns the version that takes a call.
   * @throws Problem `unknown_function`, `unknown_version`, `draining`
   */
  choose({ target, head }: Partial<PreparedRequest> = {}): VersionState {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (target?.version !== undefined) return this.#named(target.version);
    const { traffic } = this.#endpoints;
    const number = traffic.length === 1 ? traffic[0]!.version : this.#share(head);
    const version = number === undefined ? undefined : (this.#versions.get(number) ?? this.#open(number));
    if (version !== undefined) return version;
    throw new Problem("unknown_function", `No version of the function "${this.name}" takes calls.`);
  }

  /** Undefined if everybody may call it. */
  get access(): FunctionAccess | undefined {
    return this.#endpoints.access;
  }

  /** Chooses by weight. Even steps keep to the weights more exactly than random numbers do. */
  #share(head: RequestHead | undefined): number | undefined {
    const { traffic, sticky } = this.#endpoints;
    const value = sticky === undefined || head === undefined ? undefined : stickyValue(head, sticky);
    if (value !== undefined) return chooseSticky(traffic, value);
    this.#turn = (this.#turn + GOLDEN_RATIO) % 1;
    return chooseVersion(traffic, this.#turn);
  }

  /** A version that was forgotten may have its last calls still, and takes no more. */
  #named(number: number): VersionState {
    const isKept = this.#endpoints.versions.some(({ version }) => version === number);
    const version = isKept ? (this.#versions.get(number) ?? this.#open(number)) : undefined;
    if (version !== undefined) return version;
    throw unknownVersion(this.#endpoints, number);
  }

  get isIdle(): boolean {
    for (const { inFlight } of this.#versions.values()) if (inFlight > 0) return false;
    return true;
  }

  version(number: number): VersionState | undefined {
    return this.#versions.get(number);
  }

  /** Applies a new snapshot. */
  update(endpoints: Endpoints): void {
    this.#endpoints = endpoints;
    this.gate = this.#gateOf(endpoints);
    const listed = new Map(endpoints.versions.map((version) => [version.version, version]));
    const { traffic } = endpoints;
    const states = [...this.#versions.values()];
    const takesCalls = ({ version }: VersionState) => traffic.some((share) => share.version === version);
    // Versions that take calls come first. Calls leave the others before these lose their instances, so that
    // no version is woken for a call that moves.
    for (const state of [...states.filter(takesCalls), ...states.filter((each) => !takesCalls(each))]) {
      if (!takesCalls(state) && traffic.length > 0) state.moveWaiting();
      const version = listed.get(state.version);
      if (version !== undefined) state.update(version);
      else state.remove();
      if (version === undefined && state.inFlight === 0) this.#versions.delete(state.version);
    }
  }

  /** Refuses the waiting calls of a removed function; calls in flight can finish. */
  remove(problem: Problem): void {
    this.#isRemoved = true;
    this.#refusal = problem;
    this.#refuseWaiting(problem);
    for (const version of this.#versions.values()) version.remove();
  }

  #refuseWaiting(problem: Problem): void {
    for (const version of this.#versions.values()) version.refuseWaiting(problem);
  }

  /** Refuses the waiting calls and breaks off those in flight. */
  close(problem: Problem): void {
    this.#refusal = problem;
    this.#refuseWaiting(problem);
    for (const version of this.#versions.values()) version.destroy(problem);
  }

  /** Counts a call that was refused before it had a version with the version that has most calls. */
  countRefused(): void {
    const number = currentVersion(this.#endpoints.traffic);
    if (number !== undefined) (this.#versions.get(number) ?? this.#open(number))?.usage.countRefused();
  }

  stats(): FunctionStats {
    const { name, counters } = this;
    let [inFlight, waiting, ready] = [0, 0, 0];
    let unused: number | undefined;
    for (const version of this.#versions.values()) {
      inFlight += version.inFlight;
      waiting += version.waiting;
      ready += version.readyCount;
      if (version.isOnce) unused = (unused ?? 0) + version.readyCount;
    }
    const pool = unused === undefined ? {} : { pool: { unused, misses: counters.poolMisses } };
    return { ...counters, name, inFlight, waiting, ready, ...pool, versions: counters.versions.read() };
  }

  #gateOf({ name, quota }: Endpoints): Gate | undefined {
    return this.#options.gates.ofFunction(name, quota, performance.now());
  }

  #open(number: number): VersionState | undefined {
    const endpoints = this.#endpoints.versions.find(({ version }) => version === number);
    if (endpoints === undefined) return undefined;
    const version = new VersionState(endpoints, this.#options);
    this.#versions.set(number, version);
    return version;
  }
}

/** The functions that were called, and the host names of all, kept in sync with the platform's endpoints. */
export class Functions {
  readonly hosts = new Hosts();
  readonly gates = new Gates();
  readonly sheet = new UsageSheet(this.gates);
  readonly #byName = new Map<string, FunctionState>();
  /** Removed functions with calls in flight. */
  readonly #removed = new Set<FunctionState>();
  readonly #platform: FunctionsOptions["platform"];
  readonly #options: SharedOptions;
  readonly #stopWatching: () => void;

  constructor({ platform, limits, print }: FunctionsOptions) {
    const wakeAndReport: VersionOptions["platform"] = {
      wake: (name, version) => platform.wake(name, version),
      report: (load) => platform.report(this.#withRemoved(load)),
    };
    const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#options = {
      platform: wakeAndReport,
      limits,
      print,
      readBuffer,
      sheet: this.sheet,
      gates: this.gates,
    };
    this.#platform = platform;
    for (const { name, hosts } of platform.allEndpoints()) this.hosts.set(name, hosts);
    this.#stopWatching = platform.watch((name, endpoints) => {
      this.hosts.set(name, endpoints?.hosts);
      const state = this.#byName.get(name);
      if (state === undefined) return;
      if (endpoints !== undefined) state.update(endpoints);
      else this.#remove(state);
    });
  }

  /** Returns undefined for an unknown function. Its state is created at the first call. */
  get(name: string): FunctionState | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const endpoints = this.#platform.endpoints(name);
    if (endpoints === undefined) return undefined;
    const state = new FunctionState(endpoints, this.#options, (idle) => this.#removed.delete(idle));
    this.#byName.set(name, state);
    return state;
  }

  #remove(state: FunctionState): void {
    this.#byName.delete(state.name);
    this.gates.forgetFunction(state.name);
    state.remove(unknownFunction(state.name));
    if (!state.isIdle) this.#removed.add(state);
  }

  /** Adds the calls of removed functions of the same name: the platform still has their instances. */
  #withRemoved(load: Load): Load {
    const { name, version } = load;
    const namesakes = [...this.#removed].filter((state) => state.name === name);
    const removed = namesakes.flatMap((state) => state.version(version) ?? []);
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

  close(problem: Problem): void {
    this.#stopWatching();
    for (const state of [...this.#byName.values(), ...this.#removed]) state.close(problem);
  }
}
