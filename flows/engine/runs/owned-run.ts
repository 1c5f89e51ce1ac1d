import type { Decision } from "../../../platform/flows/run/machine.ts";
import type { RunRow } from "../../../platform/flows/run/row.ts";
import type { Append, StoredSignal } from "../../../store/flows/runs.ts";
import { Checkpoints } from "./checkpoints.ts";
import { faultError } from "./fault-error.ts";
import { EarlyStarts, Gathered } from "./gathered.ts";
import { Inbox } from "./inbox.ts";
import type { OwnedRunOptions } from "./owned-run-options.ts";
import { PastEvents } from "./past-events.ts";
import { Patience } from "./patience.ts";
import { type Result, RunCalls } from "./run-calls.ts";

/** A run rests in memory for this long before it is released, in milliseconds. */
const IDLE_MS = 30_000;
/** Most entries that are decided while others are being stored. */
const MOST_AHEAD = 1_000;
/** Time until a run is claimed again whose end could not be stored. */
const FAULT_MS = 600_000;
/** A longer timer of Node fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A run that this engine has: one loop of results and signals, what follows from them, one append, and then the calls. What comes during
 * an append is in the next one.
 */
export class OwnedRun {
  /** Resolves when no append is under way; after `drop` none begins. */
  settled: Promise<void> | undefined;
  readonly #options: OwnedRunOptions;
  readonly #calls: RunCalls;
  readonly #early: EarlyStarts;
  readonly #patience = new Patience();
  readonly #checkpoints: Checkpoints;
  readonly #past: PastEvents;
  readonly #inbox = new Inbox();
  /** Decided, and not stored. */
  #gathered = new Gathered();
  /** Number of the last entry that is stored. */
  #sequence: number;
  #row: RunRow | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Why the machine failed during an append, or the look for events; the loop ends with it. */
  #fault: Error | undefined;
  /** The machine waits for bodies. */
  #isMissing = false;
  #isBusy = false;
  #isAppending = false;
  #isReleasing = false;
  /** Attempts were begun in the store, and their calls were not made, or broken off. */
  #isUnfinished = false;
  #isGone = false;

  constructor(options: OwnedRunOptions) {
    this.#options = options;
    const { begun, machine, services, spans } = options;
    this.#calls = new RunCalls({ ...services, begun, spans, onResult: (result) => this.#ended(result) });
    this.#early = new EarlyStarts(begun);
    this.#sequence = machine.sequence;
    this.#checkpoints = new Checkpoints(machine, options.checkpointAt);
    this.#past = new PastEvents({
      ...{ ...services, begun, machine, patience: this.#patience },
      onFault: (error) => {
        this.#fault = error;
        this.wake();
      },
    });
    if (options.fault !== undefined) machine.broken(faultError(options.fault), services.now());
    else if (options.isRestored) this.#past.look();
  }

  get id(): string {
    return this.#options.begun.run;
  }

  /** It has nothing to do for now. */
  get isIdle(): boolean {
    return !this.#isBusy && !this.#isGone && !this.#past.isLooking && this.#calls.size === 0;
  }

  get isCalling(): boolean {
    return this.#calls.size > 0;
  }

  /** When it is due although nothing happens. */
  get wakeAt(): number | undefined {
    return this.#row?.wakeAt;
  }

  /** Does what was decided and stored with the run itself. */
  adopt(decision: Decision): void {
    this.#sequence = this.#options.machine.sequence;
    this.#options.spans?.stored(decision.entries);
    this.#act(decision);
    this.#rest();
  }

  /** Does what is due. */
  wake(): void {
    if (!this.#isBusy && !this.#isGone) this.settled = this.#work();
  }

  signalled(signals: readonly StoredSignal[]): void {
    if (this.#inbox.addSignals(signals)) this.wake();
  }

  /** Begins no call any more, and gives the run back once those under way have ended. */
  release(): void {
    this.#isReleasing = true;
    this.wake();
  }

  /** Breaks off the calls under way: whoever has the run next makes them again. */
  abort(reason: string): void {
    this.#isUnfinished ||= this.#calls.size > 0;
    this.#calls.abortAll(reason);
    this.release();
  }

  /** Stops without another write. */
  drop(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#patience.end();
    clearTimeout(this.#timer);
    this.#calls.abortAll(reason);
    this.#options.onGone();
  }

  #ended(result: Result): void {
    this.#inbox.addResult(result);
    if (!this.#isBusy) this.wake();
    else if (this.#isAppending && this.#early.isAny) this.#goOn();
  }

  /** Decides during an append, so that the store does not delay a list. */
  #goOn(): void {
    const { machine, services } = this.#options;
    const { turns, now } = services;
    const isHeld = this.#patience.isTried || this.#isReleasing || this.#isGone || turns.isOver;
    if (isHeld || !this.#gathered.isPlain || this.#gathered.entries.length > MOST_AHEAD) return;
    try {
      this.#inbox.tellFirst(machine, now());
      this.#take(turns.now(() => machine.advance(now())));
    } catch (error) {
      this.#fault = error as Error;
    }
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    clearTimeout(this.#timer);
    try {
      do await this.#step();
      while (!this.#isGone && this.#hasNews());
      if (!this.#isGone && this.#isReleasing && this.#calls.size === 0) await this.#giveBack(this.#row!);
    } catch (error) {
      await this.#failed(error as Error);
    }
    this.#isBusy = false;
    if (this.#isGone) return;
    // Something may have come since the last look.
    if (this.#hasNews()) this.wake();
    else this.#rest();
  }

  #hasNews(): boolean {
    const isBehind = this.#isMissing || this.#options.machine.resultsLeft > 0;
    return this.#inbox.isNews || isBehind || !this.#gathered.isEmpty || this.#fault !== undefined;
  }

  async #step(): Promise<void> {
    const { counts } = this.#options.services;
    const { firstMs } = this.#inbox;
    await this.#decide();
    if (this.#isGone) return;
    const gathered = this.#gathered;
    this.#gathered = new Gathered();
    if (gathered.isEmpty || (gathered.isNews && !(await this.#store(gathered)))) return;
    const decision = gathered.decision();
    if (gathered.isEnd) {
      counts.ended[decision.row.state as "done"]++;
      return this.drop("the run has ended");
    }
    this.#act(decision);
    if (decision.waits.length > 0) this.#past.look();
    else if (decision.waitsOver.length > 0) this.#past.ended();
    if (firstMs !== undefined && decision.starts.length > 0) counts.stepped(performance.now() - firstMs);
  }

  /** Tells the machine what came, and gathers what follows. */
  async #decide(): Promise<void> {
    const { machine, services } = this.#options;
    const { now, values, turns } = services;
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault;
    this.#inbox.tell(machine, now());
    for (;;) {
      const decision = await turns.run(() => machine.advance(now()));
      if (this.#isGone) return;
      const { missing } = decision;
      if (missing.length === 0) return this.#take(decision);
      await this.#patience.run(() => Promise.all(missing.map((body) => values.load(body))));
      if (this.#isGone) return;
    }
  }

  /** Begins the calls that need not wait, and keeps the rest for the append. */
  #take(decision: Decision): void {
    // The loop loads them, and asks again.
    this.#isMissing = decision.missing.length > 0;
    if (this.#isMissing) return;
    this.#gathered.taken.push(...this.#inbox.dealtWith(this.#options.machine));
    this.#early.decided(decision.entries);
    const isHeld = this.#patience.isTried || this.#isReleasing;
    const starts = Map.groupBy(decision.starts, (start) => !isHeld && this.#early.has(start));
    this.#gathered.add(decision, starts.get(false) ?? []);
    for (const start of starts.get(true) ?? []) this.#calls.start(start);
  }

  #act({ row, aborts, starts }: Pick<Decision, "row" | "aborts" | "starts">): void {
    this.#row = row;
    for (const of of aborts) this.#calls.abort(of);
    if (this.#isReleasing) this.#isUnfinished ||= starts.length > 0;
    else for (const start of starts) this.#calls.start(start);
  }

  /** Returns false if the run is somebody else's by now. */
  async #store(gathered: Gathered): Promise<boolean> {
    const { begun, parent, owner, services, spans } = this.#options;
    const { runs, effects, now, print } = services;
    const after = this.#sequence;
    this.#isAppending = true;
    const checkpoint = this.#checkpoints.at(after + gathered.entries.length);
    const stored = await this.#patience.run(() => effects.of(gathered.decision(), { begun, parent, spans }));
    if (stored === undefined) return false;
    const { taken } = gathered;
    // The same again after an error: the store knows one that it has stored, and whose answer was lost.
    const append: Append = { run: this.id, owner, after, now: now(), ...stored, taken, checkpoint };
    const outcome = await this.#patience.run(() => runs.append(append));
    this.#isAppending = false;
    if (outcome === "lost") {
      print(`the run ${this.id} of the flow ${begun.definition.flow} goes on elsewhere`);
      this.drop("the run goes on elsewhere");
    }
    if (outcome !== "stored") return false;
    this.#sequence = after + gathered.entries.length;
    this.#early.stored(gathered.entries);
    spans?.stored(gathered.entries);
    return true;
  }

  /** Nothing is to be done until a result or a signal comes, or a time. */
  #rest(): void {
    const { now } = this.#options.services;
    const dueMs = (this.wakeAt ?? Number.POSITIVE_INFINITY) - now();
    const isIdle = this.#calls.size === 0;
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
    const row = this.#isUnfinished || this.#past.isLooking ? { ...given, wakeAt: now } : given;
    const append = { run: this.id, owner, after: this.#sequence, entries: [], row, isReleased: true, now };
    await this.#patience.run(() => services.runs.append(append));
    this.drop("the run was released");
  }

  /**
   * Something failed that would fail again. What is decided and not stored is thrown away: whoever has the run next ends it as failed, so
   * that nobody makes its calls again and again. If that fails too, it rests.
   */
  async #failed(error: Error): Promise<void> {
    const { services, begun, fault, onFault } = this.#options;
    if (this.#isGone) return;
    services.print(`the run ${this.id} of the flow ${begun.definition.flow} cannot go on: ${error.message}`);
    if (fault === undefined) {
      this.drop("the run cannot go on");
      return onFault(error);
    }
    const wakeAt = services.now() + FAULT_MS;
    try {
      await this.#giveBack({ ...(this.#row ?? { state: "running" }), wakeAt });
    } catch (failure) {
      // A beat frees what is claimed and not held.
      services.print(`the run ${this.id} cannot be given back: ${(failure as Error).message}`);
      this.drop("the run cannot be given back");
    }
  }
}
