import { setTimeout as pause } from "node:timers/promises";
import { isAway } from "../../calling/away.ts";
import type { AttemptOf, Begun, Entry } from "../../platform/flows/run/entry.ts";
import type { AttemptResult, Decision, RunMachine, Start } from "../../platform/flows/run/machine.ts";
import type { RunRow } from "../../platform/flows/run/row.ts";
import type { Signal } from "../../platform/flows/run/signal.ts";
import type { Append, NewRun, Runs, StoredSignal } from "../../store/flows/runs.ts";
import type { CallSlots } from "./call-slots.ts";
import type { StepCalls } from "./calls/step-calls.ts";
import type { FlowCounts } from "./counts.ts";
import type { Effects, Stored } from "./effects.ts";
import type { Values } from "./values.ts";

/** A run rests in memory for this long before it is released, in milliseconds. */
const IDLE_MS = 30_000;
/** Entries after which the state is stored, and by which share of all entries. */
const CHECKPOINT_ENTRIES = 500;
const CHECKPOINT_SHARE = 0.5;
const MOST_CHECKPOINT = 4 * 1024 * 1024;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** Time until a run is claimed again whose rules failed. */
const FAULT_MS = 600_000;
/** A longer timer of Node fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What owned runs share. */
export interface RunServices {
  readonly runs: Pick<Runs, "append" | "signal">;
  readonly values: Values;
  readonly effects: Effects;
  /** Finds events of the past that a run waits for. */
  readonly lookBack: (begun: Begun, waits: ReturnType<RunMachine["waits"]>) => Promise<readonly Signal[]>;
  readonly calls: Pick<StepCalls, "make">;
  readonly slots: CallSlots;
  readonly counts: FlowCounts;
  readonly now: () => number;
  readonly print: (line: string) => void;
}

export interface OwnedRunOptions {
  readonly owner: string;
  readonly machine: RunMachine;
  readonly begun: Begun;
  readonly parent: NewRun["parent"];
  /** Number of the entry of the newest checkpoint; 0 without one. */
  readonly checkpointAt: number;
  /** Another owner may have stopped before it looked for events of the past. */
  readonly isRestored: boolean;
  readonly services: RunServices;
  /** Called once this program has the run no more. */
  readonly onGone: () => void;
}

interface Result {
  readonly of: AttemptOf;
  readonly result: AttemptResult;
  /** By `performance.now()`. */
  readonly atMs: number;
}

/**
 * A run that this engine has: one loop of results and signals, what follows from them, one append, and then the calls. What comes during
 * an append is in the next one.
 */
export class OwnedRun {
  readonly #options: OwnedRunOptions;
  readonly #results: Result[] = [];
  readonly #signals: StoredSignal[] = [];
  /** Signals that the machine knows. The store may show them again. */
  readonly #seen = new Set<string>();
  readonly #running = new Map<string, AbortController>();
  readonly #closing = new AbortController();
  /** Number of the last entry that is stored. */
  #sequence: number;
  #checkpointAt: number;
  #row: RunRow | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #isReleasing = false;
  /** It looks for events of the past. */
  #isLooking = false;
  #hasWaits: boolean;
  /** Attempts were begun in the store, and their calls were not made, or broken off. */
  #isUnfinished = false;
  #isGone = false;

  constructor(options: OwnedRunOptions) {
    this.#options = options;
    this.#sequence = options.machine.sequence;
    this.#checkpointAt = options.checkpointAt;
    this.#hasWaits = options.isRestored;
  }

  get id(): string {
    return this.#options.begun.run;
  }

  /** Calls under way. */
  get calls(): number {
    return this.#running.size;
  }

  /** It has nothing to do, and will not for a while. */
  get isIdle(): boolean {
    return !this.#isBusy && !this.#isGone && !this.#isLooking && this.#running.size === 0;
  }

  /** When it is due although nothing happens. */
  get wakeAt(): number | undefined {
    return this.#row?.wakeAt;
  }

  /** Does what was decided and stored with the run itself. */
  adopt(decision: Decision): void {
    this.#sequence = this.#options.machine.sequence;
    this.#act(decision);
    this.#rest();
  }

  /** Does what is due. */
  wake(): void {
    if (!this.#isBusy && !this.#isGone) void this.#work();
  }

  signalled(signals: readonly StoredSignal[]): void {
    const fresh = signals.filter(({ id }) => !this.#seen.has(id));
    for (const { id } of fresh) this.#seen.add(id);
    this.#signals.push(...fresh);
    if (fresh.length > 0) this.wake();
  }

  /** Begins no call any more, and gives the run back once those under way have ended. */
  release(): void {
    this.#isReleasing = true;
    this.wake();
  }

  /** Breaks off the calls under way: whoever has the run next makes them again. */
  abort(reason: string): void {
    for (const ending of this.#running.values()) ending.abort(new Error(reason));
    this.#isUnfinished ||= this.#running.size > 0;
    this.#running.clear();
    this.release();
  }

  /** Stops without another write. */
  drop(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#closing.abort();
    clearTimeout(this.#timer);
    for (const ending of this.#running.values()) ending.abort(new Error(reason));
    this.#running.clear();
    this.#options.onGone();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    clearTimeout(this.#timer);
    try {
      do await this.#step();
      while (!this.#isGone && this.#hasNews());
      if (!this.#isGone && this.#isReleasing && this.#running.size === 0) await this.#giveBack(this.#row!);
    } catch (error) {
      await this.#failed(error as Error);
    }
    this.#isBusy = false;
    if (this.#isGone) return;
    // Something may have come since the last look.
    if (this.#hasNews()) return this.wake();
    this.#rest();
  }

  #hasNews(): boolean {
    return this.#results.length > 0 || this.#signals.length > 0;
  }

  async #step(): Promise<void> {
    const { machine, services, begun, parent } = this.#options;
    const { now, counts, effects } = services;
    const results = this.#results.splice(0);
    const signals = this.#signals.splice(0);
    for (const { of, result } of results) machine.ended(of, result, now());
    for (const { signal } of signals) machine.signalled(signal, now());
    const decision = await this.#decide();
    if (this.#isGone) return;
    if (decision.entries.length > 0 || signals.length > 0) {
      const taken = signals.map(({ id }) => id);
      const stored = await this.#whileAway(() => effects.of(decision, { begun, parent }));
      if (stored === undefined || !(await this.#append(stored, taken))) return;
    }
    if (isEnded(decision)) {
      counts.ended[decision.row.state as "done"]++;
      return this.drop("the run has ended");
    }
    this.#act(decision);
    this.#hasWaits ||= decision.waits.length > 0;
    if (this.#hasWaits && !this.#isLooking) void this.#lookBack();
    const [first] = results;
    if (first !== undefined && decision.starts.length > 0) counts.stepped(performance.now() - first.atMs);
  }

  #act({ row, aborts, starts }: Decision): void {
    this.#row = row;
    for (const of of aborts) this.#abortAttempt(of);
    if (this.#isReleasing) this.#isUnfinished ||= starts.length > 0;
    else for (const start of starts) this.#start(start);
  }

  /** The waits are stored: whatever is published from now on comes as a signal. */
  async #lookBack(): Promise<void> {
    const { begun, machine, services } = this.#options;
    this.#isLooking = true;
    while (this.#hasWaits && !this.#isGone) {
      this.#hasWaits = false;
      const waits = machine.waits();
      if (waits.length > 0)
        await this.#whileAway(async () => {
          const found = await services.lookBack(begun, waits);
          const signals = found.map((signal) => ({ run: this.id, signal }));
          if (signals.length > 0) await services.runs.signal(signals, services.now());
        });
    }
    this.#isLooking = false;
  }

  async #decide(): Promise<Decision> {
    const { machine, services } = this.#options;
    for (;;) {
      const decision = machine.advance(services.now());
      if (decision.missing.length === 0) return decision;
      const { missing } = decision;
      await this.#whileAway(() => Promise.all(missing.map((body) => services.values.load(body))));
      if (this.#isGone) return decision;
    }
  }

  /** Returns false if the run is somebody else's by now. */
  async #append(stored: Stored, taken: readonly string[]): Promise<boolean> {
    const { owner, services } = this.#options;
    const after = this.#sequence;
    const append: Append = {
      ...{ run: this.id, owner, after, now: services.now(), ...stored, taken },
      ...{ checkpoint: this.#checkpoint(after + stored.entries.length) },
    };
    const outcome = await this.#whileAway(() => services.runs.append(append));
    if (outcome === undefined) return false;
    if (outcome === "lost") {
      services.print(
        `the run ${this.id} of the flow ${this.#options.begun.definition.flow} goes on elsewhere`,
      );
      this.drop("the run goes on elsewhere");
      return false;
    }
    this.#sequence = after + stored.entries.length;
    if (append.checkpoint !== undefined) this.#checkpointAt = this.#sequence;
    return true;
  }

  /** The state, if many entries would have to be read otherwise. It grows with them, so it is stored ever less often. */
  #checkpoint(sequence: number): string | undefined {
    const fresh = sequence - this.#checkpointAt;
    if (fresh < Math.max(CHECKPOINT_ENTRIES, sequence * CHECKPOINT_SHARE)) return undefined;
    const text = this.#options.machine.checkpoint();
    if (text.length <= MOST_CHECKPOINT) return text;
    this.#checkpointAt = sequence;
    return undefined;
  }

  /** Tries again while the store is away. Undefined once the run is dropped. */
  async #whileAway<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { print } = this.#options.services;
    const { signal } = this.#closing;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await work();
      } catch (error) {
        // A step that has run must not run again, whatever keeps its result from being stored.
        if (pauseMs === FIRST_PAUSE_MS && !isAway(error))
          print(`the run ${this.id} cannot be stored: ${(error as Error).message}`);
      }
      await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
    return undefined;
  }

  #start(start: Start): void {
    const { calls, slots, counts } = this.#options.services;
    const key = keyOf(start);
    const ending = new AbortController();
    this.#running.set(key, ending);
    counts.attempts++;
    if (start.attempt > 1) counts.retries++;
    const { run, traceparent, definition } = this.#options.begun;
    slots.run(async () => {
      if (ending.signal.aborted) return;
      counts.calls++;
      const trace = { run, flow: definition.flow, traceparent };
      const result = await calls.make(start, trace, ending.signal).finally(() => counts.calls--);
      if (this.#running.get(key) !== ending) return;
      this.#running.delete(key);
      if ("refused" in result) counts.refused++;
      this.#results.push({ of: start, result, atMs: performance.now() });
      this.wake();
    });
  }

  #abortAttempt(of: AttemptOf): void {
    const key = keyOf(of);
    this.#running.get(key)?.abort(new Error("the result is of no interest any more"));
    this.#running.delete(key);
  }

  /** Nothing is to be done until a result or a signal comes, or a time. */
  #rest(): void {
    const { now } = this.#options.services;
    const dueMs = (this.wakeAt ?? Number.POSITIVE_INFINITY) - now();
    const isIdle = this.#running.size === 0;
    const restMs = Math.max(1, Math.min(dueMs, isIdle ? IDLE_MS : dueMs, LONGEST_TIMER_MS));
    this.#timer = setTimeout(() => {
      // What is due in a moment stays.
      if (isIdle && dueMs > IDLE_MS) this.release();
      else this.wake();
    }, restMs);
  }

  /** Nobody has the run from now on. */
  async #giveBack(given: RunRow): Promise<void> {
    const { owner, services } = this.#options;
    const now = services.now();
    const row = this.#isUnfinished || this.#isLooking ? { ...given, wakeAt: now } : given;
    const append = { run: this.id, owner, after: this.#sequence, entries: [], row, isReleased: true, now };
    await this.#whileAway(() => services.runs.append(append));
    this.drop("the run was released");
  }

  /** The rules failed, which no retry mends soon. */
  async #failed({ message }: Error): Promise<void> {
    const { services, begun } = this.#options;
    services.print(`the run ${this.id} of the flow ${begun.definition.flow} cannot go on: ${message}`);
    const wakeAt = services.now() + FAULT_MS;
    await this.#giveBack({ ...(this.#row ?? { state: "running" }), wakeAt });
  }
}

function isEnded({ entries }: { readonly entries: readonly Entry[] }): boolean {
  return entries.at(-1)?.kind === "ended";
}

function keyOf({ step, item, attempt }: AttemptOf): string {
  return `${step}/${item ?? ""}/${attempt}`;
}
