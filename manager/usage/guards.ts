import { inspect } from "node:util";
import type { Guard, LogLine, Platform, Traffic } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { loosensAccess } from "../../platform/settings/loosenings.ts";
import { currentVersion } from "../../platform/traffic.ts";
import { addDurations } from "../../platform/usage/durations.ts";
import type { Counted } from "../../platform/usage/exchange.ts";
import type { AuditLog, UsageLedger } from "../../store/store.ts";
import { type Compared, judge } from "./guard-verdict.ts";

/** Who changes the traffic, in the audit log. */
export const GUARD = "guard";
/** In the audit log, where a guard failed and the traffic stays all the same. */
const LEFT_STATUS = 409;
/** Pause before a rollback that failed is tried again, with the next calls. */
const RETRY_MS = 1_000;
const NO_CALLS: Compared = { calls: 0, errors: 0, durations: [] };

export interface GuardsOptions {
  readonly platform: Pick<Platform, "endpoints" | "allEndpoints" | "describe" | "find" | "route">;
  /** Undefined where no store is configured: a restart forgets the calls before it. */
  readonly store:
    | { readonly usage: Pick<UsageLedger, "minutes">; readonly audit: Pick<AuditLog, "append"> }
    | undefined;
  /** Appends a line to the log of a function. */
  readonly log: (name: string, line: LogLine) => void;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
}

/** A change of traffic that a guard watches. */
interface Watched {
  readonly traffic: Traffic;
  readonly guard: Guard;
  readonly fresh: number;
  /** Where the calls go if the guard does not hold. */
  readonly back: Traffic;
  /** The calls by version. */
  readonly calls: Map<number, Compared>;
  /** Why it must lose its traffic, as soon as that is known. */
  reason: string | undefined;
  /** When the rollback may be tried, in milliseconds since the epoch. */
  tryAtMs: number;
  /** Whether a rollback that failed was logged. */
  hasFailed: boolean;
}

interface FunctionState {
  /** The traffic that was read last. */
  traffic: Traffic;
  /** Calls by version that came while the guard was read. */
  early: Counted[];
  isReading: boolean;
  watched: Watched | undefined;
}

/**
 * Takes the traffic of a fresh version back by itself when its guard does not hold. After a restart it goes on with the
 * calls in the store.
 */
export class Guards {
  /** Versions that lost their traffic. */
  rollbacks = 0;
  readonly #options: GuardsOptions;
  readonly #functions = new Map<string, FunctionState>();
  /** The traffic when the first calls were counted: guards of it may have seen calls before. */
  #atStart: Map<string, string> | undefined;

  constructor(options: GuardsOptions) {
    this.#options = options;
  }

  /** Starts anew, as after a restart: another process counted calls until now. */
  forget(): void {
    this.#functions.clear();
    this.#atStart = undefined;
  }

  /** Takes calls that have ended. */
  readonly count = (counted: Counted): void => {
    const { platform } = this.#options;
    const { function: name } = counted;
    this.#atStart ??= new Map(
      Array.from(platform.allEndpoints(), (each) => [each.name, keyOf(each.traffic)]),
    );
    const traffic = platform.endpoints(name)?.traffic;
    if (traffic === undefined) {
      this.#functions.delete(name);
      return;
    }
    const state = this.#functions.get(name) ?? newState();
    this.#functions.set(name, state);
    if (state.traffic !== traffic && !state.isReading) void this.#read(name, state, traffic);
    if (state.isReading) state.early.push(counted);
    else this.#judge(name, state, counted);
  };

  async #read(name: string, state: FunctionState, traffic: Traffic): Promise<void> {
    state.isReading = true;
    try {
      const watched = await this.#find(name, traffic);
      const before = state.watched;
      const isSame = before !== undefined && watched !== undefined && ruleOf(before) === ruleOf(watched);
      if (!isSame) state.watched = watched;
      state.traffic = traffic;
    } catch (error) {
      if (!(error instanceof Problem)) this.#options.print(`the guard of ${name} failed: ${inspect(error)}`);
    } finally {
      state.isReading = false;
    }
    for (const counted of state.early.splice(0)) this.#judge(name, state, counted);
  }

  /** Returns what is to be watched; undefined without a guard. */
  async #find(name: string, traffic: Traffic): Promise<Watched | undefined> {
    const description = await this.#options.platform.describe(name);
    const guard = description?.guard;
    if (description === undefined || guard === undefined) return undefined;
    const fresh = Math.max(...traffic.map(({ version }) => version));
    const others = traffic.filter(({ version }) => version !== fresh);
    const { previous } = description;
    if (others.length === 0 && (previous === undefined || previous === fresh)) return undefined;
    const back = others.length > 0 ? others : [{ version: previous!, weight: 1 }];
    const calls = await this.#callsBefore(name, traffic, fresh);
    return { traffic, guard, fresh, back, calls, reason: undefined, tryAtMs: 0, hasFailed: false };
  }

  /** Returns the calls in the store: those of the last hour, and of the fresh version only if it was in traffic before. */
  async #callsBefore(name: string, traffic: Traffic, fresh: number): Promise<Map<number, Compared>> {
    const calls = new Map<number, Compared>();
    const since = new Date();
    since.setUTCHours(since.getUTCHours() - 1);
    const minutes = await this.#options.store?.usage.minutes(name, since);
    const wasBefore = this.#atStart!.get(name) === keyOf(traffic);
    for (const minute of minutes ?? []) if (wasBefore || minute.version !== fresh) add(calls, minute);
    return calls;
  }

  #judge(name: string, state: FunctionState, counted: Counted): void {
    const { watched } = state;
    if (watched === undefined) return;
    watched.reason ??= this.#reasonAfter(state, watched, counted);
    if (watched.reason !== undefined && performance.now() >= watched.tryAtMs) {
      watched.tryAtMs = Number.POSITIVE_INFINITY;
      void this.#takeBack(name, state, watched);
    }
  }

  /** Returns why the fresh version must lose its traffic, if it must. Watches it no more if it has passed. */
  #reasonAfter(state: FunctionState, { calls, fresh, guard }: Watched, counted: Counted): string | undefined {
    add(calls, counted);
    let others = NO_CALLS;
    for (const [version, each] of calls) if (version !== fresh) others = sumOf(others, each);
    const verdict = judge(guard, calls.get(fresh) ?? NO_CALLS, others);
    if (verdict.is === "fail") return verdict.reason;
    if (verdict.is === "pass") state.watched = undefined;
    return undefined;
  }

  async #takeBack(name: string, state: FunctionState, watched: Watched): Promise<void> {
    const { platform, log, print } = this.#options;
    const { traffic, fresh, back, reason } = watched;
    const to = back.map(({ version }) => version).join(", ");
    const kept = `version ${fresh} of ${name} keeps its traffic although ${reason}`;
    let detail = `version ${fresh} of ${name} lost its traffic to version ${to}: ${reason}`;
    let status = 200;
    const stop = () => {
      if (state.watched === watched) state.watched = undefined;
    };
    try {
      const looser = await this.#looserAccess(name, watched);
      if (looser === undefined) {
        const { sticky } = (await platform.describe(name)) ?? {};
        await platform.route(name, back, undefined, { sticky, expected: [currentVersion(traffic)!] });
        this.rollbacks++;
      } else [status, detail] = [LEFT_STATUS, `${kept}: ${looser}`];
      stop();
      print(detail);
      const line = { instance: GUARD, stream: "platform", level: "error", version: fresh } as const;
      log(name, { ...line, at: new Date(), text: detail });
    } catch (error) {
      status = error instanceof Problem ? error.status : 500;
      // What the platform refuses, such as traffic that somebody changed, stays refused.
      if (status < 500) stop();
      watched.tryAtMs = performance.now() + RETRY_MS;
      if (watched.hasFailed) return;
      watched.hasFailed = true;
      detail = `${kept}: ${(error as Error).message}`;
      print(detail);
    }
    await this.#audit(name, status, detail);
  }

  async #audit(target: string, status: number, detail: string): Promise<void> {
    const { store, print } = this.#options;
    const entry = {
      at: new Date(),
      by: GUARD,
      from: "",
      action: "guard",
      target,
      status,
      detail,
      callId: "",
    };
    await store?.audit.append(entry).catch((error: Error) => {
      print(`the audit log cannot be written: ${error.message}`);
    });
  }

  /** Says why the traffic stays where the version before would let in more callers; a person decides that. */
  async #looserAccess(name: string, { traffic, back }: Watched): Promise<string | undefined> {
    const { platform } = this.#options;
    const [now, next] = await Promise.all(
      [traffic, back].map((each) => platform.find(name, currentVersion(each))),
    );
    if (!now || !next || !loosensAccess(now.settings, next.settings)) return undefined;
    const more = `version ${next.version} has access=${next.settings.access}, which lets in more callers than access=${now.settings.access} of version ${now.version}`;
    return `${more}. Send the calls there yourself with PUT /func/${name}/traffic, or deploy again.`;
  }
}

function newState(): FunctionState {
  return { traffic: [], early: [], isReading: false, watched: undefined };
}

function keyOf(traffic: Traffic): string {
  return traffic.map(({ version, weight }) => `${version}:${weight}`).join(" ");
}

function ruleOf({ traffic, guard }: Watched): string {
  return JSON.stringify([traffic, guard]);
}

function add(calls: Map<number, Compared>, counted: Compared & { readonly version: number }): void {
  calls.set(counted.version, sumOf(calls.get(counted.version) ?? NO_CALLS, counted));
}

function sumOf(a: Compared, b: Compared): Compared {
  const durations = addDurations(a.durations, b.durations);
  return { calls: a.calls + b.calls, errors: a.errors + b.errors, durations };
}
