import type { Entry, Trigger } from "../../platform/flows/run/entry.ts";
import type { RunState } from "../../platform/flows/run/error.ts";
import type { RunRow } from "../../platform/flows/run/row.ts";
import type { Signal } from "../../platform/flows/run/signal.ts";
import type { NewCall } from "../call.ts";
import type { NewEvent } from "../event.ts";

/**
 * Runs of flows. Each has a stream of entries (platform/flows/run/entry.ts), numbered from 1 without gaps. Live runs and ended ones
 * are in different tables. Times are milliseconds since 1970. Methods throw Problem `store_unavailable` and `draining`, as in store.ts.
 *
 * An engine that has a run appends to it. Appends are compare-and-set on the number of the last entry and on the owner, so that
 * an engine that was thought dead cannot write into a run that another one took over. Other programs that want something of a
 * run leave a signal, which its owner reads and takes with an append.
 */
export interface Runs {
  /**
   * Stores runs, each with its first entries. Durable when it resolves. A run whose `idempotency` was seen before is not stored
   * again. Outcomes are in the order of `runs`.
   * @param options.mostLive most live runs of one flow; on PostgreSQL a few more if several programs create them at once
   */
  create(
    runs: readonly NewRun[],
    options: { readonly now: number; readonly mostLive: number },
  ): Promise<readonly CreatedRun[]>;

  /** Gives an engine runs that nobody has and whose time has come, oldest first. The engine must have beaten. */
  claim(request: {
    readonly owner: string;
    readonly now: number;
    readonly limit: number;
  }): Promise<ClaimedRuns>;
  /** Entries after a sequence, oldest first. Empty for an unknown run. */
  entries(run: string, after: number, limit: number): Promise<readonly Entry[]>;
  /** The newest checkpoint: a state (JSON) after the entry `sequence`. */
  checkpoint(run: string): Promise<{ readonly sequence: number; readonly state: string } | undefined>;
  /**
   * Appends to a run. Appends that come together share a transaction; one that is lost takes no other with it. An append that was
   * stored already, whose answer did not arrive, is `stored` again and changes nothing.
   */
  append(append: Append): Promise<Appended>;
  /** Signals of the runs that an engine has, oldest first. They stay until an append takes them. */
  signals(owner: string, limit: number): Promise<readonly StoredSignal[]>;
  /**
   * Wakes runs that nobody has. Signals of runs that ended, or do not exist, are dropped; returns false for these. A run that no engine has
   * begun ends at once when it is cancelled, and the run that it is a step of is told.
   */
  signal(signals: readonly NewSignal[], now: number): Promise<readonly boolean[]>;
  /** Makes an ended run live again, queued, with this signal. False if it is live, or there is none. */
  reopen(signal: NewSignal, now: number): Promise<boolean>;

  /**
   * Records the beat of an engine. The first one registers it. Returns how many runs were taken from it.
   * @param held The runs that it has. Others that it claimed more than a minute ago are free again: the answer to a claim is lost when
   * the connection to the store breaks.
   */
  beat(owner: string, now: number, held?: readonly string[]): Promise<number>;
  /** Engines with runs, and their last beats. */
  beats(): Promise<readonly { readonly owner: string; readonly beatAt: number }[]>;
  /** Takes runs from engines: from those whose beat is still the given one, from those whose names begin so, or from all. Returns how many. */
  free(request: {
    readonly of:
      | readonly { readonly owner: string; readonly beatAt: number }[]
      | { readonly prefix: string }
      | "all";
    readonly now: number;
    readonly limit: number;
  }): Promise<number>;

  get(run: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  list(query: RunQuery): Promise<readonly RunRecord[]>;
  /** Runs by flow and state now, and how many ever ended in each state. */
  totals(): Promise<readonly FlowTotals[]>;
  /** Live runs in which nothing has happened since `before` although something should. At most `limit` of each kind. */
  stuck(request: {
    readonly owner: string;
    readonly before: number;
    readonly limit: number;
  }): Promise<RestingRuns>;
  /** Removes an ended run with its entries. False if it is live, or there is none. */
  remove(run: string): Promise<boolean>;
  /** Removes a batch of runs that ended before `before`, or beyond the newest `most` of their flow. Returns whether more is left. */
  removeOld(bounds: { readonly before: number; readonly most: number }): Promise<boolean>;

  /** Places in topics up to which waits for events were looked for. */
  waits: EventWaits;
  versions: FlowVersions;
}

export interface NewRun {
  /** As of a call (call-id.ts): grows with time. */
  readonly id: string;
  readonly flow: string;
  readonly version: number;
  readonly trigger: Trigger;
  /** The run that it is a step of. */
  readonly parent?:
    | { readonly run: string; readonly step: string; readonly item?: number; readonly attempt: number }
    | undefined;
  readonly begun: Extract<Entry, { kind: "begun" }>;
  readonly acceptedAt: number;
  /** Who made it, as in the audit log. */
  readonly by: string;
  readonly keyId?: string | undefined;
  /** Ids of bodies that its first entry refers to. */
  readonly bodies: readonly string[];
  /** As of calls; the scope is `flow/NAME`. */
  readonly idempotency?:
    | { readonly scope: string; readonly key: string; readonly fingerprint: string }
    | undefined;
  /** An engine that has it from the beginning, and what it decided already: saves a claim and an append. */
  readonly owned?:
    | { readonly owner: string; readonly entries: readonly Entry[]; readonly row: RunRow }
    | undefined;
}

export type CreatedRun =
  | { readonly id: string; readonly isNew: boolean }
  | { readonly refused: "full" | "reused" };

export interface ClaimedRuns {
  readonly runs: readonly RunRecord[];
  /** Those of them that never began and are steps of runs that have ended or are about to be cancelled: nothing must begin in them. */
  readonly forsaken: ReadonlySet<string>;
  /** When the next run that waits for its time is due. */
  readonly nextDueAt: number | undefined;
  readonly isMore: boolean;
}

export interface RestingRuns {
  /** Runs of the engine that asks, `queued` or `running`, without an append: it knows whether calls explain this. */
  readonly own: readonly RunRecord[];
  /** Runs of engines that did not beat either, and those that nobody has and no time wakes. */
  readonly lost: readonly RunRecord[];
  /** Runs that nobody has and whose time came before: those that are next, as there may be a backlog. */
  readonly due: readonly RunRecord[];
}

export interface Append {
  readonly run: string;
  readonly owner: string;
  /** Number of the last entry before: compare-and-set. */
  readonly after: number;
  readonly entries: readonly Entry[];
  readonly row: RunRow;
  readonly now: number;
  /** Ids of signals that it deals with. */
  readonly taken?: readonly string[] | undefined;
  /** Ids of bodies that the entries refer to. */
  readonly bodies?: readonly string[] | undefined;
  /** State after the last entry. */
  readonly checkpoint?: string | undefined;
  /** Nobody has the run from now on; with an ended state it is so anyway. */
  readonly isReleased?: boolean | undefined;
  /** Stored in the same transaction. Of those beyond `mostLive` none is: this run gets the signal `refused` for each. */
  readonly runs?: readonly NewRun[] | undefined;
  /** Most live runs of one flow, as for `create`; any number by default. */
  readonly mostLive?: number | undefined;
  readonly events?: readonly NewEvent[] | undefined;
  readonly calls?: readonly NewCall[] | undefined;
  readonly signals?: readonly NewSignal[] | undefined;
  /** Waits that begin, and those of these attempts that are over. */
  readonly waits?: readonly EventWait[] | undefined;
  readonly waitsOver?: readonly Pick<EventWait, "step" | "item">[] | undefined;
}

/** `lost`: the run has another owner, or other entries: nothing was stored. */
export type Appended = "stored" | "lost";

export interface RunRecord extends RunRow {
  readonly id: string;
  readonly flow: string;
  readonly version: number;
  /** Without the headers of a request and the data of an event, which its first entry has. */
  readonly trigger: Trigger;
  readonly parent?: NewRun["parent"];
  readonly acceptedAt: number;
  /** Time of the last append. */
  readonly changedAt: number;
  readonly by: string;
  readonly keyId?: string | undefined;
  /** Number of the last entry. */
  readonly sequence: number;
}

export interface RunQuery {
  readonly flow?: string | undefined;
  readonly states?: readonly RunState[] | undefined;
  readonly parent?: string | undefined;
  readonly acceptedSince?: number | undefined;
  readonly acceptedUntil?: number | undefined;
  /** `id` of the last run of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface FlowTotals {
  readonly flow: string;
  readonly live: Readonly<Partial<Record<RunState, number>>>;
  readonly ended: Readonly<Partial<Record<RunState, number>>>;
}

export interface NewSignal {
  readonly run: string;
  readonly signal: Signal;
}

export interface StoredSignal extends NewSignal {
  /** Orders signals. */
  readonly id: string;
}

export interface EventWait {
  readonly run: string;
  readonly step: string;
  readonly item?: number | undefined;
  readonly topic: string;
  readonly type?: string | undefined;
  readonly by: string;
  /** JSON text of the value that `by` must have. */
  readonly equals: string;
}

export interface EventWaits {
  /** The topics that somebody waits for, and the position up to which each was looked through. A new one begins at its end. */
  topics(): Promise<readonly { readonly topic: string; readonly position: number }[]>;
  /** What waits in a topic look at. */
  rules(topic: string): Promise<readonly Pick<EventWait, "type" | "by">[]>;
  /** Waits for such an event. */
  find(topic: string, rule: Pick<EventWait, "type" | "by">, equals: string): Promise<readonly EventWait[]>;
  /** Moves the position and stores signals for runs, in one transaction. False if the position is not `from`. */
  advance(move: {
    readonly topic: string;
    readonly from: number;
    readonly to: number;
    readonly signals: readonly NewSignal[];
    readonly now: number;
  }): Promise<boolean>;
}

/** The texts that flows had, so that they can be compared and brought back. */
export interface FlowVersions {
  /** Returns the number: that of the newest version if it has the same hash. The newest 50 are kept. */
  add(version: NewFlowVersion): Promise<number>;
  get(flow: string, version: number): Promise<FlowVersion | undefined>;
  /** Newest first. */
  list(flow: string): Promise<readonly Omit<FlowVersion, "text">[]>;
  /** Removes the texts. Numbers go on: runs of a removed flow stay listed with theirs. */
  remove(flow: string): Promise<void>;
}

export interface NewFlowVersion {
  readonly flow: string;
  /** As it was posted, in YAML or JSON. */
  readonly text: string;
  /** SHA-256 of the definition. */
  readonly hash: string;
  readonly at: number;
  readonly by: string;
  readonly message?: string | undefined;
}

export interface FlowVersion extends NewFlowVersion {
  readonly version: number;
}
