import type { Entry } from "../../platform/flows/run/entry.ts";
import type { Decision, RunMachine } from "../../platform/flows/run/machine.ts";
import { draining } from "../../platform/problems.ts";
import type { ClaimedRuns, CreatedRun, NewRun, RunRecord, StoredSignal } from "../../store/flows/runs.ts";
import type { FlowsOptions } from "../services.ts";
import type { FlowTracer } from "../traces/flow-tracer.ts";
import { RunSpans } from "../traces/run-spans.ts";
import { StepCalls } from "./calls/step-calls.ts";
import { Claims } from "./claims.ts";
import { FlowCounts } from "./counts.ts";
import { EngineBeat } from "./engine-beat.ts";
import { EventBounds } from "./event-bounds.ts";
import { FlowTable } from "./flow-table.ts";
import { InputChecks } from "./input-checks.ts";
import { NewRuns } from "./new-runs.ts";
import { CallSlots } from "./runs/call-slots.ts";
import { Children } from "./runs/children.ts";
import { Effects } from "./runs/effects.ts";
import { bodiesOf, smallEntries } from "./runs/entry-bodies.ts";
import { endForsaken } from "./runs/forsaken.ts";
import { loadMachines, type Machines } from "./runs/machines.ts";
import { OwnedRun } from "./runs/owned-run.ts";
import type { OwnedRunOptions, RunServices } from "./runs/owned-run-options.ts";
import { Turns } from "./runs/turns.ts";
import { StuckRuns } from "./stuck-runs.ts";
import { Values } from "./values.ts";
import { Follower } from "./waits/follower.ts";
import { lookBack } from "./waits/look-back.ts";

/** Time to store what the drain broke off, in milliseconds. */
const LAST_APPENDS_MS = 2_000;
/** A run that is due within this time is not released for the room, in milliseconds. */
const SOON_MS = 1_000;
const MOST_RELEASED = 64;

export interface EngineOptions extends FlowsOptions {
  /** Records runs as spans. */
  readonly tracer?: FlowTracer | undefined;
}

interface First {
  readonly machine: RunMachine;
  readonly decision: Decision;
}

interface Parts {
  readonly values: Values;
  readonly machines: Machines;
  readonly bounds: EventBounds;
}

interface Given extends Pick<OwnedRunOptions, "owner" | "machine" | "begun"> {
  readonly parent?: OwnedRunOptions["parent"];
  /** Of a run that another owner had. */
  readonly entries?: readonly Entry[];
  readonly checkpointAt?: number;
  readonly isRestored?: boolean;
  readonly fault?: Error | undefined;
}

type Taken = Pick<RunRecord, "id" | "flow" | "parent">;

/** Runs flows: takes runs from the store, and makes the calls of their steps. */
export class Engine {
  readonly table: FlowTable;
  readonly newRuns: NewRuns;
  readonly values: Values;
  readonly inputs = new InputChecks();
  readonly counts: FlowCounts;
  readonly #options: EngineOptions;
  readonly #machines: Machines;
  readonly #bounds: EventBounds;
  readonly #services: RunServices;
  readonly #calls: StepCalls;
  readonly #beat: EngineBeat;
  readonly #claims: Claims;
  readonly #follower: Follower;
  readonly #stuck: StuckRuns;
  readonly #owned = new Map<string, OwnedRun>();
  /** Runs that are being stored, and will be owned. */
  #beginning = 0;
  /** There was a signal for a run that is being read, or stored. */
  #hasMissed = false;
  #isFull = false;
  #isClosed = false;
  #onGone: (() => void) | undefined;

  private constructor(options: EngineOptions, { values, machines, bounds }: Parts) {
    this.#options = options;
    this.#machines = machines;
    this.#bounds = bounds;
    this.values = values;
    this.counts = options.counts ?? new FlowCounts();
    const { store, platform, limits, changes, isShared, identity, now, print } = options;
    const { runs, bodies } = store;
    this.newRuns = new NewRuns(options);
    this.table = new FlowTable({
      ...{ declarations: platform.declarations, versions: runs.versions, limits, now, print },
    });
    this.#calls = new StepCalls({ ...options, values });
    const children = new Children({
      ...{ table: this.table, newRuns: this.newRuns, inputs: this.inputs, values, now },
      mostDepth: limits.flowDepth,
    });
    const source = { topics: store.topics, bodies, expressions: machines.expressions, print };
    this.#services = {
      ...{ runs, values, now, print, counts: this.counts, calls: this.#calls },
      effects: new Effects({ values, children, bodies, mostLive: limits.liveRuns, now }),
      slots: new CallSlots(limits.flowCalls),
      lookBack: (run, waits) => lookBack(run, waits, source),
      turns: new Turns(),
    };
    this.#stuck = new StuckRuns({
      ...{ runs, counts: this.counts, now, print },
      owner: () => this.#beat.owner,
      isCalling: (id) => this.#owned.get(id)?.isCalling ?? false,
      hasRoom: () => this.#room() > 0,
      overdue: (before) => [...this.#owned.values()].filter((run) => (run.wakeAt ?? Infinity) < before),
    });
    this.#follower = new Follower({ ...source, waits: runs.waits, changes, isShared, now });
    this.#beat = new EngineBeat({
      ...{ runs, identity, isShared, now, print },
      onReady: () => this.#claims.wake(),
      held: () => [...this.#owned.keys()],
    });
    this.#claims = new Claims({
      ...{ runs, changes, isShared, now, print },
      owner: () => this.#beat.owner,
      room: () => this.#room(),
      hasRuns: () => this.#owned.size > 0,
      onClaimed: (claimed, owner) => this.#claimed(claimed, owner),
      onSignals: (signals) => this.#signalled(signals),
      onFull: () => this.#makeRoom(),
    });
  }

  /** Resolves when the declared flows are known. */
  static async open(options: EngineOptions): Promise<Engine> {
    const values = new Values({ bodies: options.store.bodies, mostBytes: options.limits.flowOutputBytes });
    const { limits, print, platform } = options;
    const bounds = new EventBounds({ declarations: platform.declarations, limits, print });
    const machines = await loadMachines(options, { values, mostEventBytes: bounds.mostBytes });
    const engine = new Engine(options, { values, machines, bounds });
    await Promise.all([engine.table.open(), bounds.open()]);
    engine.#beat.start();
    engine.#follower.wake();
    engine.#stuck.start();
    return engine;
  }

  /** See FlowServices. */
  readonly begin = async (run: NewRun): Promise<CreatedRun> => {
    if (this.#isClosed) throw draining();
    const { owner } = this.#beat;
    if (owner === undefined || this.#room() <= 0) return this.#create(run);
    this.#beginning++;
    try {
      const first = await this.#firstOf(run);
      if (first === undefined) return await this.#create(run);
      const outcome = await this.#create(await this.#owning(run, owner, first.decision));
      const isNew = "isNew" in outcome && outcome.isNew;
      if (isNew) this.#own({ owner, machine: first.machine, begun: run.begun }).adopt(first.decision);
      return outcome;
    } finally {
      this.#beginning--;
    }
  };

  /** Resolves when the calls under way have ended and this is stored, or after `drainMs`. */
  async close({ drainMs }: { readonly drainMs: number }): Promise<void> {
    this.#isClosed = true;
    const deadlineMs = performance.now() + drainMs;
    await within(
      LAST_APPENDS_MS,
      Promise.all([this.#claims, this.#follower, this.#stuck].map((each) => each.close())),
    );
    for (const run of this.#owned.values()) run.release();
    await this.#allGone(Math.max(0, deadlineMs - performance.now()));
    for (const run of this.#owned.values()) run.abort("Skiff stopped during the attempt");
    await this.#allGone(LAST_APPENDS_MS);
    for (const run of this.#owned.values()) run.drop("Skiff stopped");
    await within(LAST_APPENDS_MS, this.#beat.close());
    this.table.close();
    this.#bounds.close();
    await this.#calls.close();
  }

  /** What a run begins with, if calls are all that it needs: the rest is stored by appends. */
  async #firstOf({ begun }: NewRun): Promise<First | undefined> {
    const machine = this.#machines.create(begun);
    for (;;) {
      const decision = await this.#services.turns.run(() => machine.advance(this.#options.now()));
      if (decision.missing.length === 0) return hasOnlyCalls(decision) ? { machine, decision } : undefined;
      await Promise.all(decision.missing.map((body) => this.values.load(body)));
    }
  }

  async #owning(run: NewRun, owner: string, decision: Decision): Promise<NewRun> {
    const entries = await smallEntries(decision.entries, this.values);
    const bodies = [...run.bodies, ...bodiesOf(entries)];
    return { ...run, bodies, owned: { owner, entries, row: decision.row } };
  }

  async #create(run: NewRun): Promise<CreatedRun> {
    const { store, limits, now } = this.#options;
    const [outcome] = await store.runs.create([run], { now: now(), mostLive: limits.liveRuns });
    return outcome!;
  }

  #room(): number {
    return this.#options.limits.flowRuns - this.#owned.size - this.#beginning;
  }

  async #claimed({ runs, forsaken }: ClaimedRuns, owner: string): Promise<void> {
    const take = (run: RunRecord) =>
      forsaken.has(run.id) ? endForsaken(run, owner, this.#services) : this.#take(run, owner);
    await Promise.all(runs.map(take));
  }

  /** @param fault why it could not go on in this program */
  async #take({ id, flow, parent }: Taken, owner: string, fault?: Error): Promise<void> {
    const { store, print } = this.#options;
    // Its last release has just been stored, or this engine was taken for dead: an append under way may be stored yet.
    const before = this.#owned.get(id);
    before?.drop("the run was claimed again");
    await before?.settled;
    try {
      const restored = await this.#machines.restore(id, store.runs);
      this.#own({ owner, parent, ...restored, isRestored: true, fault }).wake();
    } catch (error) {
      // A beat frees what was claimed and is not held.
      print(`the run ${id} of the flow ${flow} cannot be read: ${(error as Error).message}`);
    }
  }

  #own({ entries, ...given }: Given): OwnedRun {
    const { owner, machine, begun, parent, checkpointAt = 0, isRestored = false, fault } = given;
    const taken = { id: begun.run, flow: begun.definition.flow, parent };
    const run: OwnedRun = new OwnedRun({
      ...{ owner, machine, begun, parent, checkpointAt, isRestored, fault, services: this.#services },
      onFault: (error) => void this.#take(taken, owner, error),
      spans: RunSpans.of(begun, this.#options.tracer, entries),
      onGone: () => {
        if (this.#owned.get(begun.run) === run) this.#forget(begun.run);
      },
    });
    this.#owned.set(begun.run, run);
    this.counts.owned = this.#owned.size;
    if (this.#hasMissed) this.#claims.wake();
    this.#hasMissed = false;
    if (this.#isClosed) run.release();
    return run;
  }

  #forget(id: string): void {
    this.#owned.delete(id);
    this.counts.owned = this.#owned.size;
    if (this.#owned.size === 0) this.#onGone?.();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#claims.wake();
  }

  #signalled(signals: readonly StoredSignal[]): void {
    for (const [id, each] of Map.groupBy(signals, ({ run }) => run)) {
      const run = this.#owned.get(id);
      if (run === undefined) this.#hasMissed = true;
      else run.signalled(each);
    }
  }

  /** Runs that wait for long give their place to those that are due. */
  #makeRoom(): void {
    this.#isFull = true;
    const soon = this.#options.now() + SOON_MS;
    const idle = [...this.#owned.values()].filter((run) => run.isIdle && (run.wakeAt ?? Infinity) > soon);
    for (const run of idle.slice(0, MOST_RELEASED)) run.release();
  }

  /** Resolves when no run is left, or after `withinMs`. */
  async #allGone(withinMs: number): Promise<void> {
    if (this.#owned.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onGone = resolve;
    await within(withinMs, promise);
  }
}

/** Whether nothing but calls follows. */
function hasOnlyCalls({ entries, publishes, children, waits, cancels }: Decision): boolean {
  const isEnded = entries.at(-1)?.kind === "ended";
  return !isEnded && publishes.length + children.length + waits.length + cancels.length === 0;
}

/** Resolves with the work, or after `ms` without it. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
